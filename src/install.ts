#!/usr/bin/env node
/**
 * Brings the native library ahead of time and prints its path, so that a program needs neither a network nor the right to use
 * one. As a command it is `deno run -A npm:@unaiverse/p2p/install`, `bunx --bun @unaiverse/p2p` or `npx @unaiverse/p2p`.
 *
 * @module
 */

import { realpathSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { RELEASE } from "./native/artefacts.ts";
import { faultAt, placeIn, platformKey } from "./native/cache.ts";
import { InstallError, type InstallFailure } from "./native/failures.ts";
import { installLibrary } from "./native/install.ts";
import { say } from "./native/progress.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";
import { VERSION } from "./version.ts";

const SECONDS = DEFAULT_SETTINGS.installTimeout / 1000;

const HELP =
  `Brings the native library of @unaiverse/p2p ${VERSION} and prints its path.

Usage: deno run -A npm:@unaiverse/p2p/install [options]
       bunx --bun @unaiverse/p2p [options]
       npx @unaiverse/p2p [options]

  --platform <name>     another platform than this one, ${platformKey()}
                        (there are: ${
    Object.keys(RELEASE.artefacts).join(", ") || "none"
  })
  --cache <folder>      where to keep it, instead of the user's cache
  --registry <address>  the npm registry to ask, instead of npm's own setting
  --timeout <seconds>   in which the registry has to send something (${SECONDS})
  --check               fetch nothing: say whether it is there and as it was released
  --help                this text

With the path, P2P.setupLibrary({ library: <path> }) needs nothing but
--allow-ffi=<path> in Deno.`;

const REGISTRIES =
  "name another registry by --registry, npm_config_registry or .npmrc";

/** What this command can do about a failure. */
const HINTS: Partial<Record<InstallFailure, string>> = {
  content: REGISTRIES,
  folder: "name a folder that can be written by --cache",
  home: "name a folder by --cache",
  network: `${REGISTRIES}, or a proxy by HTTPS_PROXY`,
  permission: "run it with `deno run -A`",
  registry: REGISTRIES,
  stalled: `try again, wait longer by --timeout, or ${REGISTRIES}`,
};

/** Runs the command; returns its exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      platform: { type: "string" },
      cache: { type: "string" },
      registry: { type: "string" },
      timeout: { type: "string" },
      check: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const { platform, cache, registry } = values;
  const timeout = Number(values.timeout ?? SECONDS) * 1000;
  if (!(timeout > 0)) throw new RangeError("--timeout has to be above 0");
  const options = { release: RELEASE, platform, cache, registry, timeout };
  if (!values.check) {
    console.log(await installLibrary(options));
    return 0;
  }
  const place = placeIn(options);
  const fault = faultAt(place);
  if (fault !== undefined) {
    say(`${place.path}: ${fault}`);
    return 1;
  }
  console.log(place.path);
  return 0;
}

if (isMain()) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    say(explained(error));
    process.exitCode = 1;
  }
}

/** `npx` may run it in a Node that is too old for nodes and does not say what is the main module. */
function isMain(): boolean {
  const main: boolean | undefined = import.meta.main;
  const [, started] = process.argv;
  return main ??
    (started !== undefined && realpathSync(started) === import.meta.filename);
}

function explained(error: unknown): string {
  if (error instanceof InstallError) {
    const hint = HINTS[error.kind];
    return hint === undefined ? error.message : `${error.message}: ${hint}`;
  }
  const { code } = error as { code?: string };
  const misused = error instanceof RangeError ||
    code?.startsWith("ERR_PARSE_ARGS");
  if (!misused) throw error;
  return `${(error as Error).message} (--help tells what can be said)`;
}

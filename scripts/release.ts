/**
 * Makes what a release consists of: builds the libraries, packs them into the npm packages of the platforms, and pins their sizes
 * and hashes in `src/native/artefacts.ts`. It publishes nothing.
 *
 * @module
 */
import { join } from "@std/path";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RELEASE } from "../src/native/artefacts.ts";
import type { Artefact } from "../src/native/release.ts";
import { disagreements, identity } from "./release/agreement.ts";
import { check } from "./release/check.ts";
import { compile, goVersion, type Workshop } from "./release/compile.ts";
import { licences } from "./release/licences.ts";
import { pack } from "./release/pack.ts";
import { releaseFile } from "./release/pin.ts";
import {
  canBuild,
  needsZig,
  type Platform,
  PLATFORMS,
} from "./release/platforms.ts";
import { Refusal } from "./release/refusal.ts";
import { findZig, ZIG } from "./release/zig.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CACHE = join(ROOT, ".cache");
/** The libraries as they were compiled: what `--with` takes. */
const LIBRARIES = join(CACHE, "libraries");
const PACKAGES = join(CACHE, "release");
const PINNED = join(ROOT, "src", "native", "artefacts.ts");

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    with: { type: "string" },
    output: { type: "string", default: PACKAGES },
    tag: { type: "string" },
    check: { type: "boolean" },
    help: { type: "boolean" },
  },
});

const HELP =
  `Builds the native library for every platform that this machine can build for, packs each into its npm package, and pins sizes
and hashes in src/native/artefacts.ts. Publishes nothing.

Usage: deno task release [--only <platform>]... [--with <folder>] [--output <folder>] [--tag <tag>]
       deno task release --check [--only <platform>]...

  --only    this platform alone; may be given more than once. What is pinned of the others stays, while version and ABI do
  --with    a folder of libraries that were built elsewhere, as <platform>/<library>: they are taken, not built
  --output  where the packages go, a folder for each platform: ${PACKAGES}
  --tag     the tag that the release is made for: it has to be that of the version, and the changelog final
  --check   builds the libraries that were made again, in another folder and for another home, and compares; runs examples/c with each,
            with qemu-user and with Wine where the machine is another one, and says what could not be run
  --help    this text

Platforms: ${PLATFORMS.map(({ key }) => key).join(", ")}
The libraries themselves are left in ${LIBRARIES}`;

/** The platforms of this run. */
function chosenPlatforms(): readonly Platform[] {
  const { only } = values;
  if (only.length === 0) return PLATFORMS;
  const chosen = PLATFORMS.filter(({ key }) => only.includes(key));
  const unknown = only.filter((name) =>
    !chosen.some(({ key }) => key === name)
  );
  if (unknown.length === 0) return chosen;
  throw new Refusal(`no such platform: ${unknown.join(", ")}`);
}

/** Compiles the library of a platform, or takes the one that was built elsewhere; nothing where neither can be done. */
async function makeLibrary(
  platform: Platform,
  workshop: Workshop,
): Promise<Uint8Array | undefined> {
  const { key, file, buildsOn } = platform;
  const given = values.with && join(values.with, key, file);
  if (given && existsSync(given)) return readFileSync(given);
  if (canBuild(platform)) {
    const path = join(LIBRARIES, key, file);
    await compile(platform, path, workshop);
    return readFileSync(path);
  }
  const reason = `the library for ${key} is built on ${buildsOn} alone`;
  if (values.only.includes(key)) throw new Refusal(reason);
  console.log(`left out: ${reason}, and --with brings none`);
}

/** What is pinned already and this run does not make anew. */
function pinnedBefore(version: string, abi: number): typeof RELEASE.artefacts {
  const same = RELEASE.version === version && RELEASE.abi === abi;
  return values.only.length > 0 && same ? RELEASE.artefacts : {};
}

async function release(): Promise<void> {
  const chosen = chosenPlatforms();
  const wrong = disagreements(ROOT, values.tag);
  if (wrong.length > 0) {
    throw new Refusal(`nothing is released:\n  ${wrong.join("\n  ")}`);
  }
  const { version, abi } = identity(ROOT);
  const zig = chosen.some(needsZig) ? await findZig(CACHE) : undefined;
  const artefacts: Record<string, Artefact> = { ...pinnedBefore(version, abi) };
  const sources = join(ROOT, "go");
  for (const platform of chosen) {
    const { key } = platform;
    const started = performance.now();
    const workshop = {
      sources,
      cache: CACHE,
      zig: needsZig(platform) ? zig : undefined,
    };
    const library = await makeLibrary(platform, workshop);
    if (library === undefined) continue;
    const texts = await licences(platform, workshop);
    const contents = { platform, library, licences: texts, root: ROOT };
    const made = pack(contents, join(values.output, key));
    artefacts[key] = made;
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const sizes = `${made.bytes} bytes, packed ${made.packedBytes}`;
    console.log(`${key}: ${sizes}, SHA-256 ${made.sha256}, ${seconds} s`);
  }
  const compilers = `Go ${await goVersion(sources)} and zig ${ZIG}`;
  writeFileSync(PINNED, releaseFile({ version, abi, artefacts }, compilers));
  console.log(`packages in ${values.output}, pinned in ${PINNED}`);
}

if (values.help) {
  console.log(HELP);
} else {
  try {
    if (!values.check) await release();
    else if (!await check(ROOT, LIBRARIES, chosenPlatforms())) {
      throw new Refusal("the check has failed");
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

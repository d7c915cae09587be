/**
 * Compiles the library of one platform, to the same bytes wherever that is done: paths, the commit, build ids and symbols stay out
 * of it, and nothing of the environment goes in.
 *
 * @module
 */
import { join } from "@std/path";
import { mkdirSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import process from "node:process";
import { run } from "../steps.ts";
import type { Platform } from "./platforms.ts";
import { Refusal } from "./refusal.ts";

/** A first build compiles all modules, and zig the system's library. */
const DEADLINE = 60 * 60_000;
const LIBRARY = ["build", "-buildmode=c-shared", "-buildvcs=false"];
const FLAGS = [
  "-trimpath",
  "-ldflags",
  // Go's -s leaves the linker's own symbols, with zig 4 MB of them.
  "-s -w -buildid= -extldflags=-Wl,-s",
];

/** What the Go command reads of the environment and a builder may have set, as it is for every build. */
const SETTINGS = {
  CGO_ENABLED: "1",
  CGO_CFLAGS: "-O2",
  CGO_LDFLAGS: "-O2",
  GOAMD64: "v1",
  GOARM64: "v8.0",
  GOEXPERIMENT: "",
  GOFLAGS: "",
  GOTOOLCHAIN: "local",
  GOWORK: "off",
};

/** The environment in which the Go command works for a platform. */
export function goEnvironment(
  { goos, goarch, compiler }: Platform,
): Record<string, string> {
  return { ...SETTINGS, GOOS: goos, GOARCH: goarch, CC: compiler };
}

/** Where a build happens. */
export interface Workshop {
  /** The folder with `go.mod`. */
  sources: string;
  /** Where zig keeps what it has compiled. */
  cache: string;
  /** The folder of zig's executable, where the platform needs it. */
  zig?: string;
  /** What of the environment is otherwise than in this process. */
  env?: Record<string, string>;
}

/** Compiles the library into a file, or what another Go command makes of a package. */
export async function compile(
  platform: Platform,
  output: string,
  { sources, cache, zig, env }: Workshop,
  command: string[] = LIBRARY,
  source = ".",
): Promise<void> {
  mkdirSync(dirname(output), { recursive: true });
  const path = process.env.PATH ?? "";
  const args = [...command, ...FLAGS, "-o", output, source];
  const finished = await run("go", args, {
    cwd: sources,
    deadline: DEADLINE,
    env: {
      ...goEnvironment(platform),
      // The compiler is named without its folder, which the build would depend on.
      PATH: zig ? zig + delimiter + path : path,
      ZIG_GLOBAL_CACHE_DIR: join(cache, "zig-cache"),
      ZIG_LOCAL_CACHE_DIR: join(cache, "zig-cache"),
      ...env,
    },
  });
  if (finished.code !== 0) {
    throw new Refusal(
      `${
        command[0]
      } of ${source} for ${platform.key} has failed:\n${finished.output}`,
    );
  }
}

/** The version of the Go command. */
export async function goVersion(sources: string): Promise<string> {
  const env = { GOTOOLCHAIN: "local" };
  const { output } = await run("go", ["env", "GOVERSION"], {
    cwd: sources,
    env,
  });
  return output.trim().replace(/^go/, "");
}

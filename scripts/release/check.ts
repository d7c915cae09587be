/**
 * Tries the libraries of a release: whether another folder and another home make the same bytes, whether the example in C runs with
 * them, natively or with what stands in for another machine, and for Windows whether the tests of the bridge pass.
 *
 * @module
 */
import { join } from "@std/path";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { runExample, type Way } from "../example.ts";
import { run } from "../steps.ts";
import { compile } from "./compile.ts";
import { sha256 } from "./pin.ts";
import { canBuild, needsZig, type Platform } from "./platforms.ts";
import { findWine } from "./wine.ts";
import { findZig } from "./zig.ts";

/** Debian's folder of the arm64 system that qemu-user shows to its programs. */
const ARM64_ROOT = "/usr/aarch64-linux-gnu";

/** Tries every platform whose library was made, says what came of it, and whether all went well. */
export async function check(
  root: string,
  libraries: string,
  platforms: readonly Platform[],
): Promise<boolean> {
  let well = true;
  for (const platform of platforms) {
    const { key, file } = platform;
    const library = join(libraries, key, file);
    if (!existsSync(library)) {
      console.log(`${key}: not tried, there is no ${library}`);
      continue;
    }
    for (const attempt of attempts(platform)) {
      const result = await attempt(root, platform, library);
      console.log(`${key}: ${result.said}`);
      well &&= result.well;
    }
  }
  return well;
}

type Attempt = (
  root: string,
  platform: Platform,
  library: string,
) => Promise<Result>;

/** The bridge has files for Windows that no test on another system runs. */
function attempts({ goos }: Platform): Attempt[] {
  const all = [example, sameBytes];
  return goos === "windows" ? [bridgeTests, ...all] : all;
}

/** What came of an attempt; what cannot be tried on this machine is told and is no fault. */
interface Result {
  well: boolean;
  said: string;
}

/** Builds the library anew, from a copy of the sources, in an empty home. The modules come out of this home's cache. */
async function sameBytes(
  root: string,
  platform: Platform,
  library: string,
): Promise<Result> {
  if (!canBuild(platform)) {
    return { well: true, said: "not built again here" };
  }
  const cache = join(root, ".cache");
  const home = mkdtempSync(join(tmpdir(), "p2p-home-"));
  try {
    const sources = join(home, "elsewhere");
    cpSync(join(root, "go"), sources, { recursive: true });
    const modules = await run("go", ["env", "GOMODCACHE"], { cwd: sources });
    const output = join(home, "output", platform.file);
    const zig = needsZig(platform) ? await findZig(cache) : undefined;
    const env = {
      HOME: home,
      GOCACHE: join(home, "go-build"),
      GOMODCACHE: join(home, "modules"),
      GOFLAGS: "-modcacherw",
      GOPROXY: `file://${modules.output.trim()}/cache/download`,
      GOSUMDB: "off", // go.sum has the hashes of all
    };
    await compile(platform, output, { sources, cache: home, zig, env });
    const [before, after] = [library, output].map((path) =>
      sha256(readFileSync(path))
    );
    const said = before === after
      ? `the same bytes from another folder and home, SHA-256 ${after}`
      : `other bytes from another folder and home: SHA-256 ${before}, then ${after}`;
    return { well: before === after, said };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function example(
  root: string,
  platform: Platform,
  library: string,
): Promise<Result> {
  const way = await wayOf(platform, join(root, ".cache"));
  if (typeof way === "string") {
    return { well: true, said: `the example in C was not run: ${way}` };
  }
  const { code, output } = await runExample(library, way);
  const over = way.transports ? ` over ${way.transports.join(", ")}` : "";
  const how = way.runner ? `${over} with ${way.runner[0]}` : over;
  return code === 0
    ? { well: true, said: `the example in C passes${how}` }
    : { well: false, said: `the example in C fails${how}:\n${output}` };
}

/** Compiles the tests of the bridge and runs them. */
async function bridgeTests(root: string, platform: Platform): Promise<Result> {
  const cache = join(root, ".cache");
  const way = await wayOf(platform, cache);
  if (typeof way === "string") {
    return { well: true, said: `the tests of the bridge were not run: ${way}` };
  }
  const folder = mkdtempSync(join(tmpdir(), "p2p-bridge-"));
  try {
    const tests = join(folder, "bridge.test.exe");
    const workshop = {
      sources: join(root, "go"),
      cache,
      zig: await findZig(cache),
    };
    await compile(platform, tests, workshop, ["test", "-c"], "./bridge");
    const [command, ...args] = [...way.runner ?? [], tests];
    const options = { cwd: folder, env: way.env };
    const { code, output } = await run(command, args, options);
    return code === 0
      ? { well: true, said: "the tests of the bridge pass" }
      : { well: false, said: `the tests of the bridge fail:\n${output}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How the example is built and run for a platform, or why it cannot be here. */
async function wayOf(
  { key, compiler }: Platform,
  cache: string,
): Promise<Way | string> {
  const zig = async (): Promise<Pick<Way, "compiler" | "env">> => ({
    compiler: [
      join(await findZig(cache), "zig"),
      ...compiler.split(" ").slice(1),
    ],
    env: {
      ZIG_GLOBAL_CACHE_DIR: join(cache, "zig-cache"),
      ZIG_LOCAL_CACHE_DIR: join(cache, "zig-cache"),
    },
  });
  if (key === `${process.platform}-${process.arch}`) {
    return compiler.startsWith("zig ")
      ? await zig()
      : { compiler: compiler.split(" ") };
  }
  if (key === "linux-arm64") {
    const qemu = "qemu-aarch64-static";
    if (!await isInstalled(qemu) || !existsSync(ARM64_ROOT)) {
      return "it needs Debian's qemu-user-static and libc6-arm64-cross";
    }
    return { ...await zig(), runner: [qemu, "-L", ARM64_ROOT] };
  }
  if (key === "win32-x64") {
    const wine = await findWine(cache, await zig());
    if (wine === undefined) return "it needs Debian's wine64";
    const { compiler, env } = await zig();
    return { ...wine, compiler, env: { ...env, ...wine.env } };
  }
  return "nothing on this machine stands in for one";
}

async function isInstalled(command: string): Promise<boolean> {
  return (await run(command, ["--version"], { cwd: tmpdir() })).code === 0;
}

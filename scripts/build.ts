/**
 * Builds the native library from `go/` when its sources, or the Go that compiles
 * them, changed. Runs in Deno, Bun and Node.js, from a checkout and from an installed
 * package alike, and therefore imports nothing but `node:` builtins.
 *
 * @module
 */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = join(ROOT, "go");
const FOLDER = join(
  ROOT,
  ".cache",
  "native",
  `${process.platform}-${process.arch}`,
);
const SUFFIXES: Record<string, string> = { darwin: "dylib", win32: "dll" };
const LIBRARY = join(
  FOLDER,
  `libunaiverse_p2p.${SUFFIXES[process.platform] ?? "so"}`,
);
const STAMP = join(FOLDER, "stamp");
const LOCK = join(FOLDER, "lock");
const FLAGS = [
  "-buildmode=c-shared",
  // The library does not tell its commit, and asking git fails in a checkout of another user.
  "-buildvcs=false",
  "-trimpath",
  "-ldflags",
  "-s -w",
];

/** A build that cannot be done; the message says what to do about it. */
export class BuildError extends Error {
  override name = "BuildError";
}

/**
 * Builds the library unless the one that is there is up to date.
 *
 * @param verbose Whether to say so when there was nothing to do.
 * @returns The path of the library.
 * @throws {BuildError} When Go or a C compiler is missing, or the build fails.
 */
export async function buildLibrary(verbose = false): Promise<string> {
  const stamp = `${hashSources()} ${await goVersion()}`;
  if (isCurrent(stamp)) {
    if (verbose) say(`the library is up to date: ${LIBRARY}`);
    return LIBRARY;
  }
  fs.mkdirSync(FOLDER, { recursive: true });
  await lock();
  try {
    if (!isCurrent(stamp)) await build(stamp);
  } finally {
    fs.rmSync(LOCK, { force: true });
  }
  return LIBRARY;
}

function isCurrent(stamp: string): boolean {
  return fs.existsSync(LIBRARY) && read(STAMP) === stamp;
}

async function build(stamp: string): Promise<void> {
  removeLeftovers();
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
  const folder = fs.mkdtempSync(join(FOLDER, "build-"));
  const output = join(folder, basename(LIBRARY));
  const progress = showProgress(seconds);
  try {
    await compile(output, progress.downloaded);
    // A running program has the old file mapped: replace it, never write into it.
    fs.renameSync(output, LIBRARY);
    fs.writeFileSync(STAMP, stamp);
  } finally {
    progress.end();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  const size = (fs.statSync(LIBRARY).size / 1e6).toFixed(1);
  say(`built the library in ${seconds()} s (${size} MB): ${LIBRARY}`);
}

async function compile(output: string, downloaded: () => void): Promise<void> {
  const go = spawn("go", ["build", ...FLAGS, "-o", output, "."], {
    cwd: SOURCES,
    env: { ...process.env, CGO_ENABLED: "1", GOTOOLCHAIN: "local" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  go.stderr.setEncoding("utf8");
  go.stderr.on("data", (text: string) => {
    for (const line of text.split(/(?<=\n)/)) {
      if (line.startsWith("go: downloading ")) downloaded();
      else errors += line;
    }
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    go.on("error", reject);
    go.on("close", resolve);
  });
  if (code === 0) return;
  if (/C compiler .* not found|"?(gcc|clang)"?: executable/.test(errors)) {
    throw new BuildError(
      "a C compiler is needed to build the library: install gcc or clang and run this again",
    );
  }
  throw new BuildError(`go build failed:\n${errors.trimEnd()}`);
}

/** Removes what an interrupted build left behind. */
function removeLeftovers(): void {
  for (const name of fs.readdirSync(FOLDER)) {
    if (!name.startsWith("build-")) continue;
    fs.rmSync(join(FOLDER, name), { recursive: true, force: true });
  }
}

/** The installed Go, if it is at least the version that go.mod asks for. */
async function goVersion(): Promise<string> {
  const needed = /^go (\S+)$/m.exec(read(join(SOURCES, "go.mod")) ?? "")?.[1];
  if (needed === undefined) {
    throw new BuildError(
      `the sources of the library are missing: no ${join(SOURCES, "go.mod")}`,
    );
  }
  const remedy =
    `install Go ${needed} or newer from https://go.dev/dl/ and run this again`;
  // Without "local" an old Go would download a newer one and report that.
  const { stdout } = await promisify(execFile)("go", ["version"], {
    env: { ...process.env, GOTOOLCHAIN: "local" },
  }).catch(() => {
    throw new BuildError(
      `Go is needed to build the library and was not found: ${remedy}`,
    );
  });
  const found = /\bgo(\d+(?:\.\d+)*)/.exec(stdout)?.[1] ?? "";
  if (compareVersions(found, needed) < 0) {
    throw new BuildError(
      `Go ${found} is too old to build the library: ${remedy}`,
    );
  }
  return found;
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** A hash over names and bytes of everything that goes into the library. */
function hashSources(): string {
  const hash = createHash("sha256").update(FLAGS.join(" "));
  const names = fs.existsSync(SOURCES)
    ? fs.readdirSync(SOURCES, { recursive: true }) as string[]
    : [];
  for (const name of names.sort()) {
    const path = join(SOURCES, name);
    if (/_test\.go$|\btestdata\b/.test(name)) continue;
    if (!fs.statSync(path).isFile()) continue;
    const bytes = fs.readFileSync(path);
    hash.update(`\n${name} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}

/** Waits until no other process builds, then claims the build for this one. */
async function lock(): Promise<void> {
  const mine = `${LOCK}-${process.pid}`;
  fs.writeFileSync(mine, String(process.pid));
  let told = false;
  try {
    // link() creates the lock together with its content, or fails.
    while (!attempt(() => fs.linkSync(mine, LOCK))) {
      const owner = Number(read(LOCK));
      if (owner > 0 && !isAlive(owner)) {
        fs.rmSync(LOCK, { force: true });
        continue;
      }
      if (!told) say(`process ${owner} is building the library: waiting`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    fs.rmSync(mine, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function attempt(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function read(path: string): string | undefined {
  return fs.existsSync(path) ? fs.readFileSync(path, "utf8") : undefined;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A line that tells how far the build is: rewritten on a terminal, repeated elsewhere. */
function showProgress(
  seconds: () => string,
): { downloaded: () => void; end: () => void } {
  const terminal = process.stderr.isTTY === true;
  let modules = 0;
  say("building the native library with Go (the first time takes a minute)");
  const show = () => {
    const taken = modules > 0 ? `, ${modules} Go modules downloaded` : "";
    const line = `building the native library: ${seconds()} s${taken}`;
    process.stderr.write(terminal ? `\r${line}` : `${line}\n`);
  };
  const timer = setInterval(show, terminal ? 1000 : 10_000);
  return {
    downloaded() {
      if (modules === 0) say("taking Go modules from the Go module proxy");
      modules++;
    },
    end() {
      clearInterval(timer);
      if (terminal) process.stderr.write("\r\x1b[K");
    },
  };
}

const HELP =
  `Builds the native library of @unaiverse/p2p, if it is not up to date.

Usage: deno run -A scripts/build.ts [--verbose]
       bun scripts/build.ts [--verbose]
       node scripts/build.ts [--verbose]

  --verbose  say so when there was nothing to do
  --help     this text

The library is written to ${LIBRARY}`;

if (import.meta.main) {
  const { values } = parseArgs({
    options: { verbose: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help) {
    console.log(HELP);
  } else {
    try {
      await buildLibrary(values.verbose);
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      say(error.message);
      process.exitCode = 1;
    }
  }
}

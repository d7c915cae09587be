/**
 * What the tests with a Python node need: the package, and a network namespace of their own with nothing but loopback in it,
 * because a Python node asks the router for port mappings and dials relays and STUN servers whatever its options say.
 */
import { join } from "@std/path";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const PACKAGE = "unaiverse==0.1.31";
/** What the package needs to make and read messages. */
const CODECS = ["protobuf==6.33.1", "numpy==2.3.5", "pillow==12.0.0"];
const FOLDER = fileURLToPath(
  new URL(`../../.cache/python/${PACKAGE}+codecs`, import.meta.url),
);
const PYTHON = "python3";
/** Without privileges a user namespace has to come along. */
const NAMESPACES = [["--net"], ["--net", "--map-root-user"]];
const LOOPBACK = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

/** How to run something where a Python node may run, and Python with its package. */
export interface Setup {
  isolate: string[];
  python: string[];
}

/** Looks for all of it, and installs the package once; a text tells what is missing here. */
export function setUp(): Setup | string {
  const isolate = NAMESPACES
    .map((flags) => ["unshare", ...flags, ...LOOPBACK])
    .find((command) => attempt([...command, "true"]) === undefined);
  if (isolate === undefined) return "no network namespaces";
  const missing = attempt([PYTHON, "--version"]) ?? install();
  return missing ?? { isolate, python: [PYTHON, FOLDER] };
}

/** Why the package could not be installed; nothing when it is there. */
function install(): string | undefined {
  if (existsSync(FOLDER)) return;
  const unfinished = `${FOLDER}.${process.pid}`;
  console.log(`installing the Python package ${PACKAGE} for the tests`);
  mkdirSync(join(FOLDER, ".."), { recursive: true });
  // Of the rest that the package depends on, this part of it uses nothing.
  const options = ["--no-deps", "--only-binary=:all:", "--retries=0"];
  const install = [PYTHON, "-m", "pip", "install", ...options];
  const failure = attempt([...install, "-t", unfinished, PACKAGE, ...CODECS]);
  try {
    if (failure === undefined) renameSync(unfinished, FOLDER);
  } catch (error) {
    // Another test run has just installed it.
    if (!existsSync(FOLDER)) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return failure;
}

/** What went wrong with a command; nothing when it succeeded. */
function attempt([command, ...args]: string[]): string | undefined {
  const { error, status, stderr } = spawnSync(command, args, {
    encoding: "utf8",
  });
  if (error === undefined && status === 0) return;
  const reason = error?.message ?? stderr.trim().split("\n").at(-1);
  return `${command} ${args.join(" ")}: ${reason}`;
}

/**
 * What the tests with a Python node need: the package, and a network namespace of their own with nothing but loopback in it,
 * because a Python node asks the router for port mappings and dials relays and STUN servers whatever its options say.
 */
import { join } from "@std/path";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { BUILD } from "./lab.ts";

const PACKAGE = "unaiverse==0.1.31";
/** What the package needs to make and read messages. */
const CODECS = ["protobuf==6.33.1", "numpy==2.3.5", "pillow==12.0.0"];
const FOLDER = fileURLToPath(
  new URL(`../../.cache/python/${PACKAGE}+codecs`, import.meta.url),
);
const PYTHON = "python3";
/** Without privileges a user namespace has to come along. */
const NAMESPACES = [[], ["--map-root-user"]];
const LOOPBACK = "ip link set lo up";

/** What stands before and behind a program that runs where a Python node may run. */
export interface Setup {
  before: string[];
  /** Python, and the folder of its package. */
  after: string[];
}

/** Looks for a network with nothing but loopback in it, and for the package; a text tells what is missing here. */
export function setUp(): Setup | string {
  return setUpIn(["--net"], LOOPBACK);
}

/** The same with a network of two routers (`lab.ts`). */
export function setUpLab(): Setup | string {
  const missing = ["ip", "nft"].find((tool) => attempt([tool, "-V"]));
  if (missing !== undefined) return `the command ${missing} is not installed`;
  return setUpIn(["--net", "--mount"], BUILD);
}

function setUpIn(kinds: string[], build: string): Setup | string {
  const script = ["sh", "-c", `${build}\nexec "$@"`, "sh"];
  const before = NAMESPACES
    .map((flags) => ["unshare", ...kinds, ...flags, ...script])
    .find((command) => attempt([...command, "true"]) === undefined);
  if (before === undefined) return "network namespaces cannot be made here";
  const missing = attempt([PYTHON, "--version"]) ?? install();
  return missing ?? { before, after: [PYTHON, FOLDER] };
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

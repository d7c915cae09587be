/**
 * Finds the runtimes for the scripts that need all of them: the one that runs the
 * script, the one on the PATH, or the one that npm provides.
 *
 * @module
 */
import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";
import { reaches, RUNTIMES, supportedRuntime } from "../src/native/runtimes.ts";

/** A runtime as the scripts use it. */
export interface Runtime {
  name: "deno" | "bun" | "node";
  /** The executable. */
  path: string;
  version: string;
}

/** All of them. */
export const NAMES: readonly Runtime["name"][] = ["deno", "bun", "node"];

/** The one that runs this script. */
export const CURRENT: Runtime["name"] = supportedRuntime().key;

/** What stands between the executable and a script of this repository. */
export const RUN: Record<Runtime["name"], readonly string[]> = {
  deno: ["run", "-A", "--quiet", "--no-prompt"],
  bun: ["run"],
  node: [
    `--import=${new URL("../tests/std/node.ts", import.meta.url)}`,
    // What it says of `node:ffi` would stand among what a program says.
    "--disable-warning=ExperimentalWarning",
  ],
};

/** What npm calls them; a Node.js older than ours comes with npm itself. */
const PACKAGES = { deno: "deno", bun: "bun", node: "node@26" };
const EVALUATE = { deno: "eval", bun: "-e", node: "-e" };
const WHERE =
  "console.log(JSON.stringify([process.execPath, process.versions]))";

/**
 * Finds a runtime that is new enough; says so when it has to come through npm.
 *
 * @throws {Error} When it is neither on the PATH nor to be had through npm.
 */
export async function findRuntime(name: Runtime["name"]): Promise<Runtime> {
  const command = name === CURRENT ? process.execPath : name;
  const found = await ask(name, command, []).catch((error) => {
    if (error.code !== "ENOENT") throw error;
  });
  const { minimum } = RUNTIMES.find(({ key }) => key === name)!;
  if (found && reaches(found.version, minimum)) return found;
  const why = found ? `${found.version} is too old` : "is not on the PATH";
  console.log(`${name} ${why}: taking it through npm`);
  return await ask(name, "npx", ["-y", PACKAGES[name]]);
}

/**
 * Finds one version of a runtime through npm.
 *
 * @throws {Error} When npm cannot provide it.
 */
export function findVersion(
  name: Runtime["name"],
  version: string,
): Promise<Runtime> {
  return ask(name, "npx", ["-y", `${name}@${version}`]);
}

async function ask(
  name: Runtime["name"],
  command: string,
  args: string[],
): Promise<Runtime> {
  const { stdout } = await promisify(execFile)(command, [
    ...args,
    EVALUATE[name],
    WHERE,
  ]);
  const [path, versions] = JSON.parse(stdout);
  return { name, path, version: versions[name] };
}

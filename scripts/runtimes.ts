/**
 * Finds Deno and Bun for the scripts that need both: the one that runs the
 * script, the one on the PATH, or the one that npm provides.
 *
 * @module
 */
import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

/** A runtime as the scripts use it. */
export interface Runtime {
  name: "deno" | "bun";
  /** The executable. */
  path: string;
  version: string;
}

const WHERE =
  "console.log(JSON.stringify([process.execPath, process.versions.bun ?? process.versions.deno]))";

/**
 * Finds a runtime; says so when it has to come through npm.
 *
 * @throws {Error} When it is neither on the PATH nor to be had through npm.
 */
export async function findRuntime(name: Runtime["name"]): Promise<Runtime> {
  const current = process.versions.bun ? "bun" : "deno";
  const command = name === current ? process.execPath : name;
  const args = name === "bun" ? ["-e", WHERE] : ["eval", WHERE];
  const run = promisify(execFile);
  const { stdout } = await run(command, args).catch((error) => {
    if (error.code !== "ENOENT") throw error;
    console.log(`${name} is not on the PATH: taking it through npm`);
    return run("npx", ["-y", name, ...args]);
  });
  const [path, version] = JSON.parse(stdout);
  return { name, path, version };
}

/**
 * Finds one version of a runtime through npm.
 *
 * @throws {Error} When npm cannot provide it.
 */
export async function findVersion(
  name: Runtime["name"],
  version: string,
): Promise<Runtime> {
  const args = name === "bun" ? ["-e", WHERE] : ["eval", WHERE];
  const { stdout } = await promisify(execFile)("npx", [
    "-y",
    `${name}@${version}`,
    ...args,
  ]);
  const [path] = JSON.parse(stdout);
  return { name, path, version };
}

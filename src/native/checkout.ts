/**
 * The library of a checkout of the repository, which is built from what stands beside this module. Nothing is ever fetched for it.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, rmdirSync, statSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { platformKey } from "./cache.ts";
import { failure, reasonOf } from "./failures.ts";
import { BRING_ONE, buildCommand, libraryName } from "./remedies.ts";
import { supportedRuntime } from "./runtimes.ts";

/** Set for the build script, so that whatever takes itself for a runtime does not start itself without end. */
const BUILDING = "UNAIVERSE_P2P_BUILDING";

/** The script that builds the library; only what is a file of source text can be in a checkout. */
export function scriptPath(): string | undefined {
  return /^file:.*\.ts$/.test(import.meta.url)
    ? packagePath("scripts/build.ts")
    : undefined;
}

/** The library of this checkout, built first if that was not done yet; `undefined` where this is none. */
export async function checkoutLibrary(): Promise<string | undefined> {
  const script = scriptPath();
  if (script === undefined) return undefined;
  const folder = packagePath(`.cache/native/${platformKey()}`);
  const library = `${folder}/${libraryName()}`;
  if (isThere(library)) return library;
  if (!isThere(script) || !isThere(packagePath("go"))) return undefined;
  try {
    mkdirSync(folder, { recursive: true });
    rmdirSync(mkdtempSync(`${folder}/build-`));
  } catch (cause) {
    throw failure(
      "LIBRARY_MISSING",
      `there is no ${library}, and it cannot be built because the folder cannot be ` +
        `written (${reasonOf(cause)}): allow that, or ${BRING_ONE}`,
      cause,
    );
  }
  await build(script);
  return library;
}

function packagePath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Whether a file is there; a look that is not allowed is told, not taken for a no. */
function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw failure(
      "LIBRARY_FAILED",
      `the library of this package cannot be looked for: ${reasonOf(cause)}`,
      cause,
    );
  }
}

/** Builds the library, with progress on this program's standard error. */
async function build(script: string): Promise<void> {
  const status = await run(script).catch((cause) => {
    throw failure(
      "LIBRARY_MISSING",
      "the native library has to be built, and the script for it did not " +
        `start (${reasonOf(cause)}): ${buildCommand(script)}`,
      cause,
    );
  });
  if (status === 0) return;
  throw failure(
    "LIBRARY_MISSING",
    `the native library could not be built (exit code ${status}); the ` +
      `reason stands above on standard error. ${buildCommand(script)}`,
  );
}

/** Runs a script in the runtime of this program; returns its exit code. */
async function run(script: string): Promise<number | null> {
  const { env, execPath } = process;
  if (env[BUILDING]) throw new Error(`${execPath} was started to build it`);
  const { spawn } = await import("node:child_process");
  const how = supportedRuntime().run;
  const child = spawn(execPath, [...how, script], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...env, [BUILDING]: "1" },
  });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
}

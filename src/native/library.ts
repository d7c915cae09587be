/**
 * Finds the native library and loads it with the binding of the runtime at hand. A library that the program names is opened
 * without a look at the file system, so that `--allow-ffi=<library>` is all that Deno has to grant.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, rmdirSync, statSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { P2PError, type P2PErrorCode } from "../errors.ts";
import type { NativeBinding } from "./binding.ts";
import {
  BRING_ONE,
  buildCommand,
  ELSEWHERE,
  libraryName,
  placeOf,
} from "./remedies.ts";
import { supportedRuntime } from "./runtimes.ts";

/** Set for the build script, so that whatever takes itself for a runtime does not start itself without end. */
const BUILDING = "UNAIVERSE_P2P_BUILDING";

/** Loads the library at `path`, or the one of this package, which is built first if that was not done yet. */
export async function loadBinding(path?: string): Promise<NativeBinding> {
  const { load, compiled } = await supportedRuntime().file();
  const library = path ?? await packageLibrary(compiled);
  try {
    return await load(library);
  } catch (cause) {
    throw loadError(library, path !== undefined, cause);
  }
}

/** What to do about a library of another version: the one that `path` names, or the one of this package. */
export function mismatchRemedy(path?: string): string {
  return path === undefined
    ? buildCommand(packagePath("scripts/build.ts"))
    : `P2P.setupLibrary named it: ${BRING_ONE}`;
}

function packagePath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

async function packageLibrary(compiled: boolean): Promise<string> {
  const place = placeOf(import.meta.url, compiled);
  if (place === "url" || place === "bundle") {
    throw failure("LIBRARY_MISSING", ELSEWHERE[place]);
  }
  const folder = packagePath(
    `.cache/native/${process.platform}-${process.arch}`,
  );
  const library = `${folder}/${libraryName()}`;
  if (isThere(library)) return library;
  // To run a script such a program would start itself.
  if (place === "executable") {
    throw failure("LIBRARY_MISSING", ELSEWHERE[place]);
  }
  const script = packagePath("scripts/build.ts");
  if (!isThere(script) || !isThere(packagePath("go"))) {
    throw failure(
      "LIBRARY_MISSING",
      `there is no ${library}, and no sources to build it from: ${BRING_ONE}`,
    );
  }
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

/** The two runtimes agree on the system's words, not on the error's class. */
function loadError(library: string, named: boolean, cause: unknown): P2PError {
  const reason = reasonOf(cause);
  if (/no such file|could not be found/i.test(reason)) {
    return failure(
      "LIBRARY_MISSING",
      named
        ? `there is no library ${library}, which P2P.setupLibrary named: correct the path`
        : `there is no library ${library}`,
      cause,
    );
  }
  if (/symbol/i.test(reason)) {
    return failure(
      "LIBRARY_MISMATCH",
      `${library} is not the library of this version; ` +
        mismatchRemedy(named ? library : undefined),
      cause,
    );
  }
  return failure(
    "LIBRARY_FAILED",
    `${library} could not be loaded: ${reason}`,
    cause,
  );
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function failure(code: P2PErrorCode, message: string, cause?: unknown) {
  return new P2PError(code, message, { operation: "create", cause });
}

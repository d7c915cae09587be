/**
 * Finds the native library and loads it with the binding of the runtime at hand. A library that the program names is opened
 * without a look at the file system, so that `--allow-ffi=<library>` is all that Deno has to grant.
 *
 * @module
 */

import process from "node:process";
import { P2PError, type P2PErrorCode } from "../errors.ts";
import type { NativeBinding } from "./binding.ts";

/** The oldest Deno that can adopt a descriptor as a `net.Socket`. */
export const MINIMUM_DENO = "2.7.12";
/** The oldest Bun that passes the tests. */
export const MINIMUM_BUN = "1.3.10";

const REMEDY = "`deno task build` or `bun run build` builds it (it needs Go)";

/** Loads the library at `path`, or the one of this package, which is built first if that was not done yet. */
export async function loadBinding(path?: string): Promise<NativeBinding> {
  const load = await loader();
  const library = path ?? await packageLibrary();
  try {
    return await load(library);
  } catch (cause) {
    throw loadError(library, cause);
  }
}

async function loader(): Promise<(path: string) => Promise<NativeBinding>> {
  const { bun, deno } = process.versions;
  if (bun !== undefined && reaches(bun, MINIMUM_BUN)) {
    return (await import("./bun.ts")).load;
  }
  if (deno !== undefined && reaches(deno, MINIMUM_DENO)) {
    return (await import("./deno.ts")).load;
  }
  const here = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : "another runtime";
  throw failure(
    "RUNTIME_UNSUPPORTED",
    `@unaiverse/p2p needs Deno ${MINIMUM_DENO} or Bun ${MINIMUM_BUN} or ` +
      `newer; this is ${here}`,
  );
}

/** Whether a version such as `2.9.6` or `2.10.0-rc.1` is at least another one. */
export function reaches(version: string, minimum: string): boolean {
  const parts = version.split(/[.+-]/).map(Number);
  for (const [index, wanted] of minimum.split(".").map(Number).entries()) {
    if (parts[index] !== wanted) return parts[index] > wanted;
  }
  return true;
}

async function packageLibrary(): Promise<string> {
  if (!import.meta.url.startsWith("file:")) {
    throw failure(
      "LIBRARY_MISSING",
      "this package was not loaded from a folder, so that it has no native " +
        "library beside it: name one by P2P.setupLibrary({ library })",
    );
  }
  const [{ existsSync }, { fileURLToPath }] = await Promise.all([
    import("node:fs"),
    import("node:url"),
  ]);
  const here = (path: string) =>
    fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const { platform, arch } = process;
  const extension = platform === "win32"
    ? "dll"
    : platform === "darwin"
    ? "dylib"
    : "so";
  const library = here(
    `.cache/native/${platform}-${arch}/libunaiverse_p2p.${extension}`,
  );
  if (existsSync(library)) return library;
  const script = here("scripts/build.ts");
  if (!existsSync(script) || !existsSync(here("go"))) {
    throw failure("LIBRARY_MISSING", `there is no ${library}; ${REMEDY}`);
  }
  await build(script);
  return library;
}

/** Runs the build script, whose progress goes to this program's standard error. */
async function build(script: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  const how = process.versions.bun ? ["run", script] : ["run", "-A", script];
  const child = spawn(process.execPath, how, {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject);
  child.once("exit", resolve);
  const status = await promise.catch((cause) => {
    throw failure("LIBRARY_MISSING", `${script} did not start`, cause);
  });
  if (status === 0) return;
  throw failure(
    "LIBRARY_MISSING",
    `the native library could not be built (exit code ${status}); the ` +
      `reason stands above on standard error. ${REMEDY}`,
  );
}

/** The two runtimes agree on the system's words, not on the error's class. */
function loadError(library: string, cause: unknown): P2PError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (/no such file|could not be found/i.test(reason)) {
    return failure(
      "LIBRARY_MISSING",
      `there is no library ${library}; ${REMEDY}`,
      cause,
    );
  }
  if (/symbol/i.test(reason)) {
    return failure(
      "LIBRARY_MISMATCH",
      `${library} is not the library of this version; ${REMEDY}`,
      cause,
    );
  }
  return failure(
    "LIBRARY_FAILED",
    `${library} could not be loaded: ${reason}`,
    cause,
  );
}

function failure(code: P2PErrorCode, message: string, cause?: unknown) {
  return new P2PError(code, message, { operation: "create", cause });
}

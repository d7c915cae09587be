/**
 * Finds the native library and loads it with the binding of the runtime at hand. A library that the program names is opened
 * without a look at the file system, so that `--allow-ffi=<library>` is all that Deno has to grant. Else a checkout has the one
 * that it builds, and everything that was made of a release has the release's: out of the user's cache, where `install.ts`
 * brings it on first use.
 *
 * @module
 */

import type { P2PError } from "../errors.ts";
import type { Settings } from "../settings.ts";
import { RELEASE } from "./artefacts.ts";
import type { NativeBinding } from "./binding.ts";
import { faultAt, placeIn } from "./cache.ts";
import { checkoutLibrary, scriptPath } from "./checkout.ts";
import { embeddedLibrary } from "./embedded.ts";
import { failure, InstallError, reasonOf } from "./failures.ts";
import {
  BRING_ONE,
  buildCommand,
  type Place,
  placeOf,
  remedyFor,
} from "./remedies.ts";
import { supportedRuntime } from "./runtimes.ts";

/** What the program has said about its library. */
export type LibrarySource = Partial<
  Pick<Settings, "library" | "registry" | "installTimeout">
>;

/** Loads the library that the program names, or the one of this package, which is built or fetched first if need be. */
export async function loadBinding(
  settings: LibrarySource = {},
): Promise<NativeBinding> {
  const { load, compiled } = await supportedRuntime().file();
  const named = settings.library;
  const place = whereabouts(compiled);
  const library = named ?? await packageLibrary(place, settings);
  try {
    return await load(library);
  } catch (cause) {
    throw loadError(library, named !== undefined, place, cause);
  }
}

/** What to do about a library of another version: the one that `path` names, or the one of this package. */
export function mismatchRemedy(path?: string): string {
  if (path !== undefined) return `P2P.setupLibrary named it: ${BRING_ONE}`;
  const script = scriptPath();
  return script === undefined
    ? "this release does not fit together, please report it"
    : buildCommand(script);
}

function whereabouts(compiled: boolean): Place {
  return placeOf(import.meta.url, compiled);
}

async function packageLibrary(
  place: Place,
  { registry, installTimeout: timeout }: LibrarySource,
): Promise<string> {
  const built = place === "package" ? await checkoutLibrary() : undefined;
  if (built !== undefined) return built;
  try {
    const embedded = embeddedLibrary();
    const options = { release: RELEASE, embedded, registry, timeout };
    const there = placeIn(options);
    if (faultAt(there) === undefined) return there.path;
    const { installLibrary } = await import("./install.ts");
    return await installLibrary(options);
  } catch (cause) {
    if (!(cause instanceof InstallError)) throw cause;
    throw failure(
      "LIBRARY_MISSING",
      `there is no native library: ${cause.message}. ${
        remedyFor(cause.kind, place)
      }`,
      cause,
    );
  }
}

/** The runtimes agree on the system's words, not on the error's class. */
function loadError(
  library: string,
  named: boolean,
  place: Place,
  cause: unknown,
): P2PError {
  const reason = reasonOf(cause);
  const failed = (why: string) => failure("LIBRARY_FAILED", why, cause);
  if (/no such file|could not be found/i.test(reason)) {
    return failure(
      "LIBRARY_MISSING",
      named
        ? `there is no library ${library}, which P2P.setupLibrary named: correct the path`
        : `there is no library ${library}`,
      cause,
    );
  }
  const glibc = /version `(GLIBC_[\d.]+)' not found/.exec(reason)?.[1];
  if (glibc !== undefined) {
    return failed(
      `${library} needs ${glibc}, and this system's C library is older: ` +
        remedyFor("glibc", place),
    );
  }
  if (/initial-exec TLS|ld-musl|libc\.musl/.test(reason)) {
    return failed(
      `${library} cannot be loaded with musl: ${remedyFor("musl", place)}`,
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
  if (cause instanceof Error && cause.name === "NotCapable") {
    return failed(
      `${library} may not be loaded: ${reason}. Allow --allow-ffi=${library}`,
    );
  }
  return failed(`${library} could not be loaded: ${reason}`);
}

/**
 * The user's cache of native libraries: where it is, and whether what lies there is, byte for byte, what was released. Every
 * library of a release is looked through before each load, whoever may have written to the cache.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import type { Artefact, Release } from "./release.ts";
import { InstallError, reasonOf } from "./failures.ts";

/** What is read at a time; a hash of 36 MB needs no 36 MB. */
const PIECE = 1 << 20;

/** The platform that the program runs on, as the packages are named by it. */
export function platformKey(): string {
  return `${process.platform}-${process.arch}`;
}

/** The package that holds the library of a platform. */
export function packageName(platform: string): string {
  return `@unaiverse/p2p-${platform}`;
}

/**
 * The folder for libraries of all versions, by the custom of the system.
 *
 * @throws {InstallError} When nothing tells where it is.
 */
export function cacheFolder(): string {
  try {
    return join(baseFolder(), "unaiverse-p2p");
  } catch (cause) {
    throw new InstallError("home", reasonOf(cause), cause);
  }
}

function baseFolder(): string {
  const { platform, env } = process;
  if (env.XDG_CACHE_HOME) return resolve(env.XDG_CACHE_HOME);
  if (platform === "win32" && env.LOCALAPPDATA) return env.LOCALAPPDATA;
  const home = homedir();
  if (!home) throw new Error("the user has no home folder");
  if (platform === "win32") return join(home, "AppData", "Local");
  if (platform === "darwin") return join(home, "Library", "Caches");
  return join(home, ".cache");
}

/**
 * The folder for a program that carries its library and should start wherever it is put: the user's cache, or where there is
 * none that can be written, one folder of this user's in the temporary one, which the next start uses again.
 */
function cacheForEmbedded(): string {
  try {
    const cache = cacheFolder();
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    accessSync(cache, constants.W_OK);
    return cache;
  } catch {
    return temporaryFolder();
  }
}

/** Others may write to the folder above, and have made this one before us. */
function temporaryFolder(): string {
  const user = process.getuid?.();
  const folder = join(
    tmpdir(),
    `unaiverse-p2p${user === undefined ? "" : `-${user}`}`,
  );
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    if ((cause as { code?: string }).code !== "EEXIST") {
      throw new InstallError("folder", reasonOf(cause), cause);
    }
  }
  const found = lstatSync(folder);
  const ours = found.isDirectory() &&
    (user === undefined || (found.uid === user && (found.mode & 0o022) === 0));
  if (ours) return folder;
  throw new InstallError("folder", `${folder} belongs to somebody else`);
}

/** Where a cache keeps a library, in a folder of its own: the same name never stands for other bytes. */
export function libraryPath(
  cache: string,
  { version }: Release,
  { sha256, file }: Artefact,
): string {
  return join(cache, `${version}-${sha256.slice(0, 16)}`, file);
}

/** What is wrong with the file at a path; `undefined` if it is the library of the release. */
export function faultOf(path: string, artefact: Artefact): string | undefined {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    if (size !== artefact.bytes) {
      return `it has ${size} bytes instead of ${artefact.bytes}`;
    }
    const hash = createHash("sha256");
    const piece = new Uint8Array(PIECE);
    for (let read; (read = readSync(file, piece, 0, PIECE, null)) > 0;) {
      hash.update(piece.subarray(0, read));
    }
    return differs(hash.digest("hex"), artefact.sha256);
  } finally {
    closeSync(file);
  }
}

/** What is wrong with bytes that should have a length and a hash. */
export function faultOfBytes(
  data: Uint8Array,
  bytes: number,
  sha256: string,
): string | undefined {
  if (data.length !== bytes) {
    return `it has ${data.length} bytes instead of ${bytes}`;
  }
  return differs(createHash("sha256").update(data).digest("hex"), sha256);
}

function differs(found: string, wanted: string): string | undefined {
  if (found === wanted) return undefined;
  return `its SHA-256 is ${found} instead of ${wanted}`;
}

/** What to bring, and how. */
export interface InstallOptions {
  /** What there is. */
  readonly release: Release;
  /** Default: the one that the program runs on. */
  readonly platform?: string;
  /** Where to keep it. Default: the user's cache. */
  readonly cache?: string;
  /** The npm registry to ask. Default: the one that npm would ask. */
  readonly registry?: string;
  /** Milliseconds in which a registry has to send something. Default 60,000. */
  readonly timeout?: number;
  /** The packed library, as a file that the program carries. */
  readonly embedded?: string;
}

/** What a release has for a platform, and where a cache keeps it. */
export interface Place {
  readonly artefact: Artefact;
  readonly path: string;
}

/**
 * Where the library is, or would be.
 *
 * @throws {InstallError} `platform`: there is none; `home`: nothing says where the cache is.
 */
export function placeIn(options: InstallOptions): Place {
  const { release, platform = platformKey() } = options;
  const artefact = Object.hasOwn(release.artefacts, platform)
    ? release.artefacts[platform]
    : undefined;
  if (artefact === undefined) {
    const there = Object.keys(release.artefacts).join(", ") || "none";
    throw new InstallError(
      "platform",
      `no library was released for ${platform} (there are: ${there})`,
    );
  }
  const cache = options.cache ??
    (options.embedded === undefined ? cacheFolder() : cacheForEmbedded());
  return { artefact, path: libraryPath(cache, release, artefact) };
}

/** What is said of a library that is not there. */
export const ABSENT = "there is no such file";

/** What is wrong with what is at a place; `undefined` if it is the library as it was released. */
export function faultAt({ path, artefact }: Place): string | undefined {
  try {
    return faultOf(path, artefact);
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return ABSENT;
    throw new InstallError("folder", reasonOf(cause), cause);
  }
}

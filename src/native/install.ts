/**
 * Brings the native library of a release into the user's cache: from a file that the program carries, from the platform's
 * package where that is installed, or from an npm registry. Whatever it comes from, its bytes are those that this version of the
 * module names, or it is not unpacked; and what is unpacked is looked through again before each load.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { zstdDecompressSync } from "node:zlib";
import { DEFAULT_SETTINGS } from "../settings.ts";
import type { Artefact } from "./release.ts";
import {
  ABSENT,
  faultAt,
  faultOfBytes,
  type InstallOptions,
  packageName,
  type Place,
  placeIn,
  platformKey,
} from "./cache.ts";
import { InstallError, reasonOf } from "./failures.ts";
import { fetchPacked } from "./fetch.ts";
import { packedBeside } from "./beside.ts";
import { say, showProgress } from "./progress.ts";
import { inTurn, type Turn, WaitError } from "./turn.ts";

/**
 * Sees to it that the library is in the cache.
 *
 * @returns Its path.
 * @throws {InstallError} When it cannot be brought.
 */
export async function installLibrary(options: InstallOptions): Promise<string> {
  const place = placeIn(options);
  const fault = faultAt(place);
  if (fault === undefined) return place.path;
  if (fault !== ABSENT) say(`${place.path} is not what was released: ${fault}`);
  if ((options.platform ?? platformKey()) === platformKey()) refuseMusl();
  const folder = dirname(place.path);
  const timeout = options.timeout ?? DEFAULT_SETTINGS.installTimeout;
  const before = identityOf(place.path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await inTurn(
      join(folder, "lock"),
      {
        timeout,
        isDone: () =>
          identityOf(place.path) !== before && faultAt(place) === undefined,
        waits: () => say("waiting for another process that brings the library"),
      },
      async (turn) => {
        removeLeftovers(folder);
        const packed = await packedLibrary(place.artefact, options, turn);
        unpack(packed, place, turn);
      },
    );
  } catch (cause) {
    throw explained(cause, folder);
  }
  return place.path;
}

/** The packed library from the nearest place that has it. */
async function packedLibrary(
  artefact: Artefact,
  options: InstallOptions,
  turn: Turn,
): Promise<Uint8Array> {
  const { embedded, platform = platformKey() } = options;
  if (embedded !== undefined) {
    const packed = readFileSync(embedded);
    const fault = faultOfPacked(packed, artefact);
    if (fault === undefined) return packed;
    throw new InstallError("content", `${embedded} is another one: ${fault}`);
  }
  const name = `${artefact.file}.zst`;
  for (const path of packedBeside(packageName(platform), name)) {
    const packed = readFileSync(path);
    const fault = faultOfPacked(packed, artefact);
    if (fault === undefined) return packed;
    say(`${path} is of another release and is left aside (${fault})`);
  }
  return await fromRegistry(artefact, options, turn);
}

async function fromRegistry(
  artefact: Artefact,
  { release, platform = platformKey(), registry, timeout }: InstallOptions,
  turn: Turn,
): Promise<Uint8Array> {
  const progress = showProgress(
    `fetching the native library ${packageName(platform)} ${release.version}`,
    artefact.packedBytes,
  );
  try {
    const packed = await fetchPacked(artefact, {
      name: packageName(platform),
      version: release.version,
      registry,
      timeout: timeout ?? DEFAULT_SETTINGS.installTimeout,
      progress: (received) => {
        turn.progress = received;
        progress.show(received);
      },
    });
    const fault = faultOfPacked(packed.data, artefact);
    if (fault === undefined) return packed.data;
    throw new InstallError(
      "content",
      `${packed.url} holds another library than was released: ${fault}`,
    );
  } finally {
    progress.end();
  }
}

function faultOfPacked(data: Uint8Array, artefact: Artefact) {
  return faultOfBytes(data, artefact.packedBytes, artefact.packedSha256);
}

/** Writes the library beside its place, and then puts it there whole. */
function unpack(
  packed: Uint8Array,
  { path, artefact }: Place,
  turn: Turn,
): void {
  const library = unpacked(packed, artefact);
  // A name of its own: if two take their turn for lack of a sign of life, neither writes into what the other has put there.
  const part = `${path}-${randomUUID()}.part`;
  try {
    write(part, library);
    turn.progress++;
    // A running program has the old file mapped: replace it, never write into it.
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
}

/** Writes a file and syncs it: else a machine that loses power may keep its name and length, and nothing in it. */
function write(path: string, data: Uint8Array): void {
  const file = openSync(path, "wx", 0o700);
  try {
    for (let at = 0; at < data.length;) at += writeSync(file, data, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** In one piece and on this thread: 70 ms, where the pieces that zlib makes by itself take 200. */
function unpacked(packed: Uint8Array, artefact: Artefact): Uint8Array {
  const { bytes, sha256 } = artefact;
  const library = zstdDecompressSync(packed, {
    chunkSize: Math.max(bytes + 1, 1 << 16),
    maxOutputLength: bytes,
  });
  const fault = faultOfBytes(library, bytes, sha256);
  if (fault === undefined) return library;
  throw new InstallError("content", `the unpacked library: ${fault}`);
}

/** Removes what a process that was ended in the middle has left: the lock belongs to us. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.endsWith(".part") || name.startsWith("lock-")) {
      rmSync(join(folder, name), { force: true });
    }
  }
}

/** Tells a file from the one that replaces it; what cannot be looked at, as what is not there. */
function identityOf(path: string): string {
  try {
    const { ino, mtimeMs } = statSync(path);
    return `${ino} ${mtimeMs}`;
  } catch {
    return "";
  }
}

/** Without this look a program on such a system would fetch what it cannot load. */
function refuseMusl(): void {
  if (process.platform !== "linux") return;
  let maps = "";
  try {
    maps = readFileSync("/proc/self/maps", "latin1");
  } catch {
    return; // Then loading it will tell.
  }
  if (!isMusl(maps)) return;
  throw new InstallError(
    "musl",
    "this system has musl instead of glibc, and a Go library cannot be loaded there",
  );
}

/** Whether a process, by what is mapped into its memory, was loaded by musl's loader, which is its C library as well. */
export function isMusl(maps: string): boolean {
  return /\/ld-musl-[^/\n]*$/m.test(maps);
}

function explained(cause: unknown, folder: string): InstallError {
  if (cause instanceof InstallError) return cause;
  if (cause instanceof WaitError) {
    return new InstallError("stalled", cause.message, cause);
  }
  return new InstallError(
    "folder",
    `${basename(folder)} could not be written in ${dirname(folder)}: ` +
      reasonOf(cause),
    cause,
  );
}

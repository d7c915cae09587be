/**
 * The npm package of a platform: its manifest out of the tree, the packed library, and the licences. It holds nothing else, and
 * nothing in it runs when it is installed.
 *
 * @module
 */
import { join } from "@std/path";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { constants, zstdCompressSync } from "node:zlib";
import type { Artefact } from "../../src/native/release.ts";
import { compareVersions, newestGlibc } from "./glibc.ts";
import { artefact } from "./pin.ts";
import { GLIBC, type Platform } from "./platforms.ts";
import { Refusal } from "./refusal.ts";

/** What a platform package may hold: more would be felt by everybody who installs it. */
export const MOST_BYTES = 12_000_000;
/** Above this zstd wants so much memory to unpack that it has to be allowed to. */
const LEVEL = 19;

/** What goes into a package. */
export interface Contents {
  platform: Platform;
  library: Uint8Array;
  licences: string;
  /** The root of the checkout. */
  root: string;
}

/** Writes the package into a folder, in place of what is there. */
export function pack(
  { platform, library, licences, root }: Contents,
  folder: string,
): Artefact {
  const { key, file } = platform;
  if (platform.goos === "linux") refuseNewGlibc(key, library);
  const packed = zstdCompressSync(library, {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
  });
  const bytes = packed.length + licences.length;
  if (bytes > MOST_BYTES) {
    throw new Refusal(
      `the package for ${key} has ${bytes} bytes, and may have ${MOST_BYTES}`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${file}.zst`), packed);
  writeFileSync(join(folder, "LICENSES.txt"), licences);
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  const manifest = join(root, "packages", key, "package.json");
  copyFileSync(manifest, join(folder, "package.json"));
  return artefact(file, library, packed);
}

function refuseNewGlibc(key: string, library: Uint8Array): void {
  const newest = newestGlibc(library);
  if (newest === undefined) {
    throw new Refusal(`the library for ${key} does not tell its glibc`);
  }
  if (compareVersions(newest, GLIBC) <= 0) return;
  throw new Refusal(
    `the library for ${key} asks for glibc ${newest}, and may ask for ${GLIBC}: older systems could not load it`,
  );
}

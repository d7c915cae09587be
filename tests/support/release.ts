/**
 * A release as tests need one: the packed library, the tarball of its package, the record that names its hashes, and copies of
 * this package that have that record. It is of the library that this checkout has built, packed quickly.
 */
import { join } from "@std/path";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import type { Artefact, Release } from "../../src/native/release.ts";
import { platformKey } from "../../src/native/cache.ts";
import { libraryName } from "../../src/native/remedies.ts";
import { buildLibrary } from "../../scripts/build.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BLOCK = 512;

/** The platform that the tests run on. */
export const PLATFORM = platformKey();
/** The package of that platform. */
export const PACKAGE = `@unaiverse/p2p-${PLATFORM}`;
/** The version of releases in tests. */
export const RELEASED = "0.1.0";

/** All that belongs to a release. */
export interface TestRelease {
  release: Release;
  artefact: Artefact;
  library: Uint8Array;
  packed: Uint8Array;
  tarball: Uint8Array;
}

let real: Promise<TestRelease> | undefined;

/** The release of the library that this checkout has built. */
export function realRelease(): Promise<TestRelease> {
  return real ??= buildLibrary().then((path) => releaseOf(readFileSync(path)));
}

/** A release of any bytes, for what comes before they are loaded. */
export function releaseOf(library: Uint8Array, level = 1): TestRelease {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  const packed = zstdCompressSync(library, { params });
  const artefact = {
    file: libraryName(),
    bytes: library.length,
    sha256: hashOf(library),
    packedBytes: packed.length,
    packedSha256: hashOf(packed),
  };
  const artefacts = { [PLATFORM]: artefact };
  const release = { version: RELEASED, abi: 0, artefacts };
  return { release, artefact, library, packed, tarball: tarballOf(packed) };
}

/** The tarball of the package that holds a packed library, as `npm pack` would make it. */
export function tarballOf(packed: Uint8Array): Uint8Array {
  const about = JSON.stringify({ name: PACKAGE, version: RELEASED });
  const entries = [
    entry("package/package.json", new TextEncoder().encode(about)),
    entry(`package/${libraryName()}.zst`, packed),
    new Uint8Array(2 * BLOCK),
  ];
  return gzipSync(Buffer.concat(entries), { level: 1 });
}

function entry(name: string, data: Uint8Array): Uint8Array {
  const octal = (value: number, length: number) =>
    `${value.toString(8).padStart(length - 1, "0")}\0`;
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string) =>
    header.set(new TextEncoder().encode(text), at);
  put(0, name);
  put(100, octal(0o644, 8));
  put(124, octal(data.length, 12));
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, "ustar\x0000");
  const sum = header.reduce((before, byte) => before + byte, 0);
  put(148, `${octal(sum, 7)} `);
  const padding = new Uint8Array(-data.length & (BLOCK - 1));
  return Buffer.concat([header, data, padding]);
}

function hashOf(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** A copy of this package that is of a release and no checkout; returns the path of one of its programs, `tests/programs/<name>`. */
export function stage(
  folder: string,
  release: Release,
  program = "installs.ts",
): string {
  for (const name of ["mod.ts", "src"]) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  const path = join(folder, "src", "native", "artefacts.ts");
  const record = readFileSync(path, "utf8");
  const text = JSON.stringify(release);
  writeFileSync(
    path,
    record.slice(0, record.indexOf("export const RELEASE")) +
      `export const RELEASE: Release = ${text};\n`,
  );
  const programs = join("tests", "programs");
  mkdirSync(join(folder, programs), { recursive: true });
  const copy = join(folder, programs, program);
  cpSync(join(ROOT, programs, program), copy);
  return copy;
}

/** The environment of a user who has nothing yet: an empty home, and a registry to ask. */
export function freshUser(
  folder: string,
  registry: string,
): Record<string, string> {
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  return {
    HOME: home,
    XDG_CACHE_HOME: join(home, ".cache"),
    npm_config_registry: registry,
    npm_config_userconfig: join(home, ".npmrc"),
    // Neither Go nor a compiler.
    PATH: join(folder, "nothing"),
    ...process.platform === "win32" ? { LOCALAPPDATA: home } : {},
  };
}

/** The files that are in the cache of a user, each in a folder of a release. */
export function leftIn(folder: string): string[] {
  const cache = join(folder, "home", ".cache", "unaiverse-p2p");
  if (!existsSync(cache)) return [];
  const names = readdirSync(cache, { recursive: true }) as string[];
  return names.filter((name) => name.includes("/"))
    .map((name) => name.slice(name.indexOf("/") + 1));
}

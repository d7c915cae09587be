/**
 * What a release consists of: the libraries of the platforms, with the sizes and hashes that what was installed or fetched has to
 * have. Written by `deno task release`, with Go 1.26.8 and zig 0.17.1.
 *
 * @module
 */

/** The library of one platform, and the file of its npm package that it is packed into. */
export interface Artefact {
  /** The library's file name; packed it has `.zst` at its end. */
  readonly file: string;
  /** Its size. */
  readonly bytes: number;
  /** Its SHA-256, in hexadecimal digits. */
  readonly sha256: string;
  /** The size of the packed file. */
  readonly packedBytes: number;
  /** The SHA-256 of the packed file, in hexadecimal digits. */
  readonly packedSha256: string;
}

/** The libraries that belong to one version of this module. */
export interface Release {
  /** The version of this module and of its platform packages. */
  readonly version: string;
  /** The ABI that the libraries speak. */
  readonly abi: number;
  /** By platform, as `${process.platform}-${process.arch}` names it; a platform that is missing has no library. */
  readonly artefacts: Readonly<Record<string, Artefact>>;
}

/** The release that this copy of the module belongs to. */
export const RELEASE: Release = {
  version: "0.1.0",
  abi: 5,
  artefacts: {},
};

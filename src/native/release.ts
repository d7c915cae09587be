/**
 * What a release consists of: libraries of several platforms, each with the size and the hash that it has to have. Those of this
 * copy of the module are in `artefacts.ts`.
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

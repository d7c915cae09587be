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
  artefacts: {
    "linux-arm64": {
      file: "libunaiverse_p2p.so",
      bytes: 30443416,
      sha256:
        "6378c2f0fa0582a1fa900942a47ec5ad0da4c1a81b70615dff5f3217e7a0b3b4",
      packedBytes: 8738411,
      packedSha256:
        "6b0180104b76e3f388ca15d7d44f90b1524d863ef386356542adef2cc163bb77",
    },
    "linux-x64": {
      file: "libunaiverse_p2p.so",
      bytes: 32638464,
      sha256:
        "20da4dc1ad40f159439af1a4db97cf97cdff4e66157d3c68e49ed07ae87baba4",
      packedBytes: 9464893,
      packedSha256:
        "7b114a419ee8eadf0f4939204c4311a3a7266454744e57a98f90c4a15048f19c",
    },
    "win32-x64": {
      file: "libunaiverse_p2p.dll",
      bytes: 29854208,
      sha256:
        "f0fe1f35f0b581823170464a41ff59fc83a237c88570a9a6bd83ed4abecf5c4b",
      packedBytes: 9344078,
      packedSha256:
        "8eac69da24bf3af8a51ed155fed54d818195d3ad3749d7ebe8aa94f1cb93705a",
    },
  },
};

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
      bytes: 30437176,
      sha256:
        "ba8f7aab651d1765dd86e7577aa46a93b574ab5409bbcb0a0755f4833a7d4199",
      packedBytes: 8748311,
      packedSha256:
        "3aa1392e1ba5a1b6e4f52f289a41960651b0cd5bc6622362d7a07839f351e060",
    },
    "linux-x64": {
      file: "libunaiverse_p2p.so",
      bytes: 32632320,
      sha256:
        "6402bd38c3f4732b55b6c8995c824713d61d3531077f75598a37cb8b3c63fee4",
      packedBytes: 9463258,
      packedSha256:
        "08953fbd28f8021c5cba87246cc42e8caba8578d037402907d5d0d3a79fb3c5e",
    },
    "win32-x64": {
      file: "libunaiverse_p2p.dll",
      bytes: 29848576,
      sha256:
        "57af05ca35befe802d8ff409c86143aba74be47d198579f172936c1091c9f64d",
      packedBytes: 9343897,
      packedSha256:
        "c8f0af4172c7c17dfc384efa51c71fb0416c56cc96e4576f599a2d480355cf11",
    },
  },
};

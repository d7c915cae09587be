/**
 * The libraries of the platforms, with the sizes and hashes that what was installed or fetched has to have.
 * Written by `deno task release`, with Go 1.26.8 and zig 0.17.1.
 *
 * @module
 */

import type { Release } from "./release.ts";

/** The release that this copy of the module belongs to. */
export const RELEASE: Release = {
  version: "0.1.0",
  abi: 5,
  artefacts: {
    "linux-arm64": {
      file: "libunaiverse_p2p.so",
      bytes: 30443032,
      sha256:
        "c6e68a2410c2411cac08f899a77dbd01d58be721fe1179a6b8ab99773b7d2c99",
      packedBytes: 8735328,
      packedSha256:
        "a73f3fd8befcddf3837a8cd8328a94cac7f2236676d45b6aea2a3886eb9b5dbc",
    },
    "linux-x64": {
      file: "libunaiverse_p2p.so",
      bytes: 32638112,
      sha256:
        "1c8527e9142d3d0c771b6bbe8ed2c82b8db70203fd37134003ea29da343fec69",
      packedBytes: 9481627,
      packedSha256:
        "c58e7596bd352aadb7e63926f1fe4053469bf674b6b5da01b479d081e132b1d8",
    },
    "win32-x64": {
      file: "libunaiverse_p2p.dll",
      bytes: 29854208,
      sha256:
        "758b68c4af8fc2fd9ce7750d6d42f12765d26b5ec8a49ee7a57cdf6532daf8a7",
      packedBytes: 9343010,
      packedSha256:
        "b29c07d903739d7981facd3debea3a660e82ee736a7ff8bf1172f57bd2deab4f",
    },
  },
};

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
      bytes: 30444184,
      sha256:
        "0253cfd4bc814c4b9c90e05f83e5f4dd016ad5aa7f8a26e6aa59f4ebed8b261f",
      packedBytes: 8736474,
      packedSha256:
        "d3bca7d911fa1de02cd6bc4927491aafdffb30ad868b18b11f4409b8227cc073",
    },
    "linux-x64": {
      file: "libunaiverse_p2p.so",
      bytes: 32639232,
      sha256:
        "9f316937d5b510e5609ce9a13164f4e4b78600685ea827caea50d38a19863314",
      packedBytes: 9462245,
      packedSha256:
        "edb6f1e38972c3de5b20b76c944f45a8f164b35c7638be25cc19d273025a74d6",
    },
    "win32-x64": {
      file: "libunaiverse_p2p.dll",
      bytes: 29855232,
      sha256:
        "27b62607419938ae361d0d730b528ab2dee297095add853f9a51500262355c81",
      packedBytes: 9345418,
      packedSha256:
        "da8dce3f62028d53ec014a9026c577aca4af76f7c7a77474b46dadeacc176da9",
    },
  },
};

/**
 * The file of the module that says what a release consists of, `src/native/artefacts.ts`: written here and nowhere else.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Artefact, Release } from "../../src/native/release.ts";

/** What is pinned of a library and of the file that it is packed into. */
export function artefact(
  file: string,
  library: Uint8Array,
  packed: Uint8Array,
): Artefact {
  return {
    file,
    bytes: library.length,
    sha256: sha256(library),
    packedBytes: packed.length,
    packedSha256: sha256(packed),
  };
}

/** SHA-256 in hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The text of the file; `builtWith` names the compilers that make the same bytes. */
export function releaseFile(release: Release, builtWith: string): string {
  const keys = Object.keys(release.artefacts).sort();
  const artefacts = keys.map((key) => entry(key, release.artefacts[key]));
  return `${HEAD.replace("COMPILERS", builtWith)}
export const RELEASE: Release = {
  version: ${JSON.stringify(release.version)},
  abi: ${release.abi},
  artefacts: {${artefacts.join("")}${artefacts.length > 0 ? "\n  " : ""}},
};
`;
}

function entry(key: string, artefact: Artefact): string {
  return `
    ${JSON.stringify(key)}: {
      file: ${JSON.stringify(artefact.file)},
      bytes: ${artefact.bytes},
      sha256:
        ${JSON.stringify(artefact.sha256)},
      packedBytes: ${artefact.packedBytes},
      packedSha256:
        ${JSON.stringify(artefact.packedSha256)},
    },`;
}

const HEAD = `/**
 * The libraries of the platforms, with the sizes and hashes that what was installed or fetched has to have.
 * Written by \`deno task release\`, with COMPILERS.
 *
 * @module
 */

import type { Release } from "./release.ts";

/** The release that this copy of the module belongs to. */`;

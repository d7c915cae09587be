/** What a release refuses, and that what it is made of in the tree agrees. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { disagreements } from "../../scripts/release/agreement.ts";
import { newestGlibc } from "../../scripts/release/glibc.ts";
import { MOST_BYTES, pack } from "../../scripts/release/pack.ts";
import { PLATFORMS } from "../../scripts/release/platforms.ts";
import { RELEASE } from "../../src/native/artefacts.ts";
import { ABI } from "../../src/native/codec.ts";
import { VERSION } from "../../src/version.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LINUX = PLATFORMS.find(({ key }) => key === "linux-x64")!;

/** Everything that a release compares. */
const COMPARED = [
  "deno.json",
  "package.json",
  "src/version.ts",
  "src/native/codec.ts",
  "go/bridge/bridge.h",
  "docs/boundary.md",
  "CHANGELOG.md",
  "packages",
];

/** Calls `use` with a folder that has what a release compares, and removes it. */
function withCopy<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "p2p-release-"));
  try {
    for (const path of COMPARED) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a release says when a file in it is changed. */
function changed(path: string, from: string | RegExp, to: string): string[] {
  return withCopy((folder) => {
    const file = join(folder, path);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace(from, to));
    return disagreements(folder);
  });
}

test("this checkout agrees with itself on its version and on its ABI", () =>
  assertEquals(disagreements(ROOT), []));

for (const path of ["deno.json", "package.json"]) {
  test(`a release is refused where ${path} has another version`, () =>
    assertEquals(
      changed(path, `"version": "${VERSION}"`, '"version": "9.9.9"'),
      [`${path} has version 9.9.9, and ${VERSION} is wanted`],
    ));
}

for (const { key } of PLATFORMS) {
  const path = `packages/${key}/package.json`;
  test(`a release is refused where ${path} has another version`, () =>
    assertEquals(
      changed(path, `"version": "${VERSION}"`, '"version": "9.9.9"'),
      [`${path} has version "9.9.9", and "${VERSION}" is wanted`],
    ));
}

test("a release is refused where a platform package is for another processor", () =>
  assertEquals(
    changed("packages/linux-arm64/package.json", '["arm64"]', '["x64"]'),
    [
      'packages/linux-arm64/package.json has cpu ["x64"], and ["arm64"] is wanted',
    ],
  ));

test("a release is refused where a platform has no package, and where a package has no platform", () =>
  withCopy((folder) => {
    const packages = join(folder, "packages");
    cpSync(join(packages, "linux-x64"), join(packages, "linux-mips"), {
      recursive: true,
    });
    rmSync(join(packages, "linux-x64"), { recursive: true });
    assertEquals(disagreements(folder), [
      "there is no packages/linux-x64/package.json",
      "packages/linux-mips is of no platform that is built",
    ]);
  }));

test("a release is refused where the changelog begins with another version", () =>
  assertEquals(changed("CHANGELOG.md", /^## \S+/m, "## 9.9.9"), [
    `CHANGELOG.md has as its newest version 9.9.9, and ${VERSION} is wanted`,
  ]));

test("a release is refused where the module's version is not that of everything else", () =>
  assertEquals(
    changed("src/version.ts", VERSION, "9.9.9").length,
    3 + PLATFORMS.length,
  ));

test("a release is refused where the library speaks another ABI than the module", () =>
  assertEquals(changed("go/bridge/bridge.h", /P2P_ABI \d+/, "P2P_ABI 99"), [
    `go/bridge/bridge.h has ABI 99, and ${ABI} is wanted`,
  ]));

test("a release is refused where the page of the boundary tells another ABI", () =>
  assertEquals(
    changed("docs/boundary.md", /\*\*\d+\*\* \(`p2p_abi/, "**99** (`p2p_abi"),
    [
      `docs/boundary.md has ABI 99, and ${ABI} is wanted`,
    ],
  ));

test("a release for a tag is refused where it is another version's, or the changelog is not final", () =>
  withCopy((folder) => {
    const changelog = join(folder, "CHANGELOG.md");
    writeFileSync(changelog, `# Changelog\n\n## ${VERSION} (unreleased)\n`);
    assertEquals(disagreements(folder, "v9.9.9"), [
      `the tag is v9.9.9, and v${VERSION} is wanted`,
      `CHANGELOG.md calls ${VERSION} (unreleased): write its date there`,
    ]);
    writeFileSync(changelog, `# Changelog\n\n## ${VERSION} (2027-01-31)\n`);
    assertEquals(disagreements(folder, `v${VERSION}`), []);
  }));

/** A library as far as packing looks into it. */
const library = (glibc: string) =>
  new TextEncoder().encode(`\0GLIBC_2.9\0GLIBC_${glibc}\0GLIBC_2.2.5\0`);

test("the newest glibc that a library asks for is found whatever the order of their names", () => {
  assertEquals(newestGlibc(library("2.17")), "2.17");
  assertEquals(newestGlibc(library("2.4")), "2.9");
  assertEquals(newestGlibc(new Uint8Array(100)), undefined);
});

/** Packs for linux-x64 what is given. */
function packed(library: Uint8Array, licences = "all rights"): void {
  const folder = mkdtempSync(join(tmpdir(), "p2p-release-"));
  try {
    pack({ platform: LINUX, library, licences, root: ROOT }, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("a library that asks for a newer glibc than 2.17 is not packed", () => {
  packed(library("2.17"));
  assertThrows(
    () => packed(library("2.34")),
    Error,
    "asks for glibc 2.34, and may ask for 2.17",
  );
});

test("a platform package above 12 MB is not made", () => {
  assertEquals(MOST_BYTES, 12_000_000);
  assertThrows(
    () => packed(library("2.17"), "x".repeat(MOST_BYTES)),
    Error,
    "and may have 12000000",
  );
});

test("what is pinned is of this version and this ABI, for platforms that have a package, and below 12 MB", () => {
  assertEquals([RELEASE.version, RELEASE.abi], [VERSION, ABI]);
  for (
    const [key, { file, packedBytes }] of Object.entries(RELEASE.artefacts)
  ) {
    assertEquals(
      file,
      PLATFORMS.find((platform) => platform.key === key)?.file,
    );
    assertEquals(packedBytes < MOST_BYTES, true);
  }
});

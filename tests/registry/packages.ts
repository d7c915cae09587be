/** The packages as they are published, but for the library: it is the one that this checkout has built, packed quickly. */
import { join } from "@std/path";
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makePackage } from "../../scripts/package.ts";
import { PLATFORM, type TestRelease } from "../support/release.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The folder that is published for this platform, with the manifest that stands in the tree. */
export function platformPackage(folder: string, ours: TestRelease): string {
  const path = join(folder, PLATFORM);
  mkdirSync(path, { recursive: true });
  const manifest = join(ROOT, "packages", PLATFORM, "package.json");
  copyFileSync(manifest, join(path, "package.json"));
  copyFileSync(join(ROOT, "LICENSE"), join(path, "LICENSE"));
  writeFileSync(join(path, "LICENSES.txt"), "the licences of a test\n");
  writeFileSync(join(path, `${ours.artefact.file}.zst`), ours.packed);
  return path;
}

/** The folder of the main package, which pins that library. */
export async function mainPackage(
  folder: string,
  { release }: TestRelease,
): Promise<string> {
  const path = join(folder, "main");
  cpSync(await makePackage(), path, { recursive: true });
  const pinned = `export const RELEASE = ${JSON.stringify(release)};\n`;
  writeFileSync(join(path, "src", "native", "artefacts.js"), pinned);
  return path;
}

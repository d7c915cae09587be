/**
 * Finds the package with the platform's library where a package manager has put it. This module does not depend on it, so that
 * it is looked for above the module and above the program: that is where npm, Bun, pnpm and Deno put what a project names.
 *
 * @module
 */

import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The files of that name in packages of that name, the nearest first. */
export function* packedBeside(
  packageName: string,
  file: string,
  bases: readonly string[] = basesOf(import.meta.url),
): Generator<string> {
  const seen = new Set<string>();
  const candidates = function* () {
    for (const base of bases) {
      for (const folder of upward(base)) {
        yield join(folder, "node_modules", packageName, file);
      }
    }
    const resolved = resolve(`${packageName}/${file}`);
    if (resolved !== undefined) yield resolved;
  };
  for (const path of candidates()) {
    if (seen.has(path)) continue;
    seen.add(path);
    if (isFile(path)) yield path;
  }
}

/** The folder of this module, unless that is an address, and the one that the program works in. */
function basesOf(url: string): string[] {
  const ofModule = url.startsWith("file:") ? [dirname(fileURLToPath(url))] : [];
  return [...ofModule, process.cwd()];
}

function* upward(folder: string): Generator<string> {
  yield folder;
  const above = dirname(folder);
  if (above !== folder) yield* upward(above);
}

/** Without a folder `node_modules` Deno keeps packages elsewhere, and knows where. Bun would ask a registry for what it has not. */
function resolve(specifier: string): string | undefined {
  if (process.versions.deno === undefined) return undefined;
  try {
    // What JSR rewrites when it publishes it finds by its text, and warns of what it cannot read; this is for the program's folder.
    const { resolve: locate } = import.meta;
    const url = locate(specifier);
    return url.startsWith("file:") ? fileURLToPath(url) : undefined;
  } catch {
    return undefined;
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // Not there, or nothing that Deno lets the program see.
    return false;
  }
}

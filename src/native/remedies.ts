/**
 * What to do where the native library is missing or another one than it should be. That depends on where the program runs: only a
 * folder with this package in it can build one.
 *
 * @module
 */

import process from "node:process";
import { VERSION } from "../version.ts";
import { supportedRuntime } from "./runtimes.ts";

/**
 * Where this module lies: in a folder of the package; behind a URL, as from JSR; in one file with the program, which a bundler
 * made; or in an executable, whose path is then not that of a runtime.
 */
export type Place = "package" | "url" | "bundle" | "executable";

/** Where a module is that is `src/native/library.ts` in the package. */
export function placeOf(url: string, compiled: boolean): Place {
  if (compiled) return "executable";
  if (!url.startsWith("file:")) return "url";
  return url.endsWith("/src/native/library.ts") ? "package" : "bundle";
}

/** The file name of the library. */
export function libraryName(): string {
  const suffixes: Record<string, string> = { win32: "dll", darwin: "dylib" };
  return `libunaiverse_p2p.${suffixes[process.platform] ?? "so"}`;
}

/** How to give a program a library that it cannot build. */
export const BRING_ONE =
  `build ${libraryName()} of @unaiverse/p2p ${VERSION} in a checkout of its sources ` +
  "(`deno task build`), deliver it with the program, and name it by P2P.setupLibrary({ library })";

/** Why there is no library beside a module that is not in a folder of the package. */
export const ELSEWHERE: Record<Exclude<Place, "package">, string> = {
  url:
    `this package was loaded from a URL, which brings no native library: ${BRING_ONE}`,
  bundle:
    `this program is a bundle, which brings no native library: ${BRING_ONE}`,
  executable:
    `this program is one executable, which brings no native library: ${BRING_ONE}`,
};

/** The command that builds the library of the package. */
export function buildCommand(script: string): string {
  const { key, run } = supportedRuntime();
  const command = [key, ...run, script].join(" ");
  return `\`${command}\` builds it (it needs Go and a C compiler)`;
}

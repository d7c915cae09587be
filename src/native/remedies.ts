/**
 * What to do where the native library is missing or another one than it should be. That depends on where the program runs: only a
 * folder with this package in it can build one.
 *
 * @module
 */

import process from "node:process";
import { VERSION } from "../version.ts";
import type { InstallFailure } from "./failures.ts";
import { type Runtime, supportedRuntime } from "./runtimes.ts";

/**
 * Where this module lies: in a folder of the package; behind a URL, as from JSR; in one file with the program, which a bundler
 * made; or in an executable, whose path is then not that of a runtime.
 */
export type Place = "package" | "url" | "bundle" | "executable";

/** Where a module is that is `src/native/library.ts` in the package, or what the compiler made of that. */
export function placeOf(url: string, compiled: boolean): Place {
  if (compiled) return "executable";
  if (!url.startsWith("file:")) return "url";
  return /\/src\/native\/library\.[jt]s$/.test(url) ? "package" : "bundle";
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

/** The command that fetches the library ahead of time. */
export function installCommand(place: Place): string {
  const name = `@unaiverse/p2p@${VERSION}`;
  if (place === "url") return `deno run -A jsr:${name}/install`;
  const { key } = supportedRuntime();
  if (key === "deno") return `deno run -A npm:${name}/install`;
  // Else it is run by the Node.js that is there, of whatever version.
  return `${key === "bun" ? "bunx --bun" : "npx"} ${name}`;
}

/** What lets a runtime load a library that is named. */
const ALLOWED: Record<Runtime["key"], string> = {
  bun: "the right to load it",
  deno: "--allow-ffi=<path>",
  node: "--allow-ffi, beside reading its own files,",
};

/** What to do about a library that could not be brought, or not be loaded. */
export function remedyFor(kind: InstallFailure, place: Place): string {
  const { key } = supportedRuntime();
  const ahead = `\`${installCommand(place)}\``;
  const deliver = place === "executable" || place === "bundle"
    ? 'import "@unaiverse/p2p/compile" before it is compiled, or fetch the library ahead with ' +
      `${ahead} and deliver it with the program, named by P2P.setupLibrary({ library })`
    : `fetch it ahead with ${ahead} and name the path that this prints by P2P.setupLibrary({ library })`;
  const another =
    "name another registry by npm_config_registry, .npmrc or P2P.setupLibrary({ registry })";
  switch (kind) {
    case "content":
      return `It was neither unpacked nor loaded. Something between here and the registry gives out what was not released: ${another}`;
    case "folder":
      return `Name a folder that can be written by XDG_CACHE_HOME; or, where there is one, ${deliver}`;
    case "glibc":
      return `run it on a newer system, or ${BRING_ONE}`;
    case "home":
      return `Name a folder for caches by XDG_CACHE_HOME; or ${deliver}`;
    case "musl":
      return "Run the program on a system with glibc, such as Debian's images or those called slim";
    case "network":
      return `Where there is a proxy, name it by HTTPS_PROXY; ${another}; or, where there is a network, ${deliver}`;
    case "permission":
      return `Run ${ahead} once, which prints a path: with P2P.setupLibrary({ library: <path> }) ${
        ALLOWED[key]
      } is all that the program needs. Or allow it everything`;
    case "platform":
      return `Take a platform that has one, or ${BRING_ONE}`;
    case "registry":
      return `Correct its address and its token (.npmrc, npm_config_registry, P2P.setupLibrary({ registry })), or ${deliver}`;
    case "stalled":
      return `Try again, or ${another}; P2P.setupLibrary({ installTimeout }) waits longer`;
  }
}

/** The command that builds the library of the package. */
export function buildCommand(script: string): string {
  const { key, run } = supportedRuntime();
  const command = [key, ...run, script].join(" ");
  return `\`${command}\` builds it (it needs Go and a C compiler)`;
}

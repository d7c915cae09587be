/**
 * One import that makes `bun build --compile` put the native library into the program: the one of the platform that it is
 * compiled for, from the package `@unaiverse/p2p-<platform>`, which the project names among its dependencies. Bun knows the
 * platform when it bundles, so that the others are left out. Where nothing is compiled the import does nothing.
 *
 * @example
 * ```ts
 * import "@unaiverse/p2p/compile";
 * import { P2P } from "@unaiverse/p2p";
 *
 * await using node = await P2P.create({ identityDir: "./alice" });
 * console.log(node.addresses[0]);
 * ```
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { embed } from "./native/embedded.ts";

/** Bun replaces these two of the global object by what the program is compiled for; of `node:process` it does not. */
declare const process: { readonly platform: string; readonly arch: string };

interface FileModule {
  readonly default: string;
}

/** Whether this is not the module's own file any more: Bun would fetch what an import names and is not there. */
const bundled = !/\/src\/compile\.[jt]s$/.test(import.meta.url);

// A bundler goes by the text of an import, so that each platform has its own; what stands in a `try` may be missing.
try {
  if (!bundled) {
    // The library is looked for elsewhere.
  } else if (process.platform === "linux" && process.arch === "x64") {
    carry(
      // @ts-ignore: what such a file is imported as, the bundler says.
      await import("@unaiverse/p2p-linux-x64/libunaiverse_p2p.so.zst", {
        with: { type: "file" },
      }),
    );
  } else if (process.platform === "linux" && process.arch === "arm64") {
    carry(
      // @ts-ignore: what such a file is imported as, the bundler says.
      await import("@unaiverse/p2p-linux-arm64/libunaiverse_p2p.so.zst", {
        with: { type: "file" },
      }),
    );
  } else if (process.platform === "win32" && process.arch === "x64") {
    carry(
      // @ts-ignore: what such a file is imported as, the bundler says.
      await import("@unaiverse/p2p-win32-x64/libunaiverse_p2p.dll.zst", {
        with: { type: "file" },
      }),
    );
  } else if (process.platform === "darwin" && process.arch === "x64") {
    carry(
      // @ts-ignore: what such a file is imported as, the bundler says.
      await import("@unaiverse/p2p-darwin-x64/libunaiverse_p2p.dylib.zst", {
        with: { type: "file" },
      }),
    );
  } else if (process.platform === "darwin" && process.arch === "arm64") {
    carry(
      // @ts-ignore: what such a file is imported as, the bundler says.
      await import("@unaiverse/p2p-darwin-arm64/libunaiverse_p2p.dylib.zst", {
        with: { type: "file" },
      }),
    );
  }
} catch {
  // Not installed: the library is looked for elsewhere then.
}

/** What is compiled has its files at absolute paths, a folder of bundles beside the bundle. */
function carry(module: FileModule): void {
  const { href } = new URL(module.default, import.meta.url);
  embed(fileURLToPath(href));
}

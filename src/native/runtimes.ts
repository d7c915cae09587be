/**
 * The runtimes that this module runs in, a row each: how one is told from the others, the oldest that will do, and its own file.
 * A further runtime is a row here and a file beside this one.
 *
 * @module
 */

import process from "node:process";
import { P2PError } from "../errors.ts";
import type { NativeBinding } from "./binding.ts";

/** What a runtime's own file gives. */
export interface RuntimeFile {
  /** Loads the library at a path. */
  load(path: string): Promise<NativeBinding>;
  /** Whether the program and its runtime are one executable. */
  readonly compiled: boolean;
}

/** A runtime. */
export interface Runtime {
  readonly name: string;
  /** The key of its version in `process.versions`. */
  readonly key: "bun" | "deno" | "node";
  /** The oldest version that passes the tests. */
  readonly minimum: string;
  /** What stands between its executable and a script that may do everything. */
  readonly run: readonly string[];
  /** Imports its own file. */
  file(): Promise<RuntimeFile>;
}

/** Every runtime; Bun comes first because it calls itself Node too, as Deno does. */
export const RUNTIMES: readonly Runtime[] = [
  {
    name: "Bun",
    key: "bun",
    minimum: "1.3.10",
    run: ["run"],
    file: () => import("./bun.ts"),
  },
  {
    name: "Deno",
    key: "deno",
    // The first that can adopt a descriptor as a `net.Socket`.
    minimum: "2.7.12",
    run: ["run", "-A"],
    file: () => import("./deno.ts"),
  },
  {
    name: "Node.js",
    key: "node",
    // The first with `node:ffi`.
    minimum: "26.10.0",
    run: [],
    file: () => import("./node.ts"),
  },
];

/** The versions that a runtime tells of itself, as in `process.versions`. */
export type Versions = Readonly<Record<string, string | undefined>>;

/**
 * The runtime at hand, if it is new enough.
 *
 * @throws {P2PError} `RUNTIME_UNSUPPORTED`: it is another one, or too old.
 */
export function supportedRuntime(
  versions: Versions = process.versions,
): Runtime {
  const runtime = RUNTIMES.find(({ key }) => versions[key] !== undefined);
  const version = runtime && versions[runtime.key];
  if (runtime && version && reaches(version, runtime.minimum)) return runtime;
  const needed = RUNTIMES.map(({ name, minimum }) => `${name} ${minimum}`);
  throw new P2PError(
    "RUNTIME_UNSUPPORTED",
    `@unaiverse/p2p needs ${needed.join(" or ")} or newer; this is ` +
      (runtime ? `${runtime.name} ${version}` : "another runtime"),
    { operation: "create" },
  );
}

/** Whether a version such as `2.9.6` or `2.10.0-rc.1` is at least another one. */
export function reaches(version: string, minimum: string): boolean {
  const parts = version.split(/[.+-]/).map(Number);
  for (const [index, wanted] of minimum.split(".").map(Number).entries()) {
    if (parts[index] !== wanted) return parts[index] > wanted;
  }
  return true;
}

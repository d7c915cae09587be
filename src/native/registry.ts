/**
 * What all copies of this module in one isolate share: the link, the loaded library, the settings. It hangs on `globalThis`
 * because module scope is not shared by two copies, nor by two evaluations of one file in a hot restart.
 *
 * @module
 */

import process from "node:process";
import { P2PError, reportUncaught } from "../errors.ts";
import { DEFAULT_SETTINGS, type Settings } from "../settings.ts";
import type { NativeBinding } from "./binding.ts";
import { ABI } from "./codec.ts";
import type { Link } from "./link.ts";

/**
 * The shared state of one isolate. What hangs here is used by other copies of this module: plain data, and objects of which
 * nothing but public members is touched. Whoever changes what it means changes `SHARED` as well.
 */
export interface Registry {
  /** What the copy that came first shares; another one cannot use it. */
  readonly version: number;
  /** What that copy speaks. */
  readonly abi: number;
  /** The link, while there are nodes. */
  link?: Link;
  /** When the link before this one has closed. */
  closing: Promise<void>;
  /** The library once it was asked for; a process never loads two. */
  binding?: Promise<NativeBinding>;
  /** What `P2P.setupLibrary` was given. */
  settings?: Settings;
}

/** The version of `Registry`, with `Link` and all that is handed to it. */
const SHARED = 1;
const KEY = Symbol.for("@unaiverse/p2p");

/** The shared state of this isolate. */
export function registry(): Registry {
  const scope = globalThis as { [KEY]?: Registry };
  const { version, abi } = scope[KEY] ??= {
    version: SHARED,
    abi: ABI,
    closing: Promise.resolve(),
  };
  if (version !== SHARED || abi !== ABI) {
    throw new P2PError(
      "LIBRARY_MISMATCH",
      "this program has two versions of @unaiverse/p2p that cannot share a " +
        `native library (${version}.${abi} and ${SHARED}.${ABI}): use one ` +
        "version throughout, or run the other in a process of its own",
      { operation: "create" },
    );
  }
  return scope[KEY];
}

/** The settings in use. */
export function settingsInUse(): Settings {
  return registry().settings ?? DEFAULT_SETTINGS;
}

/** Tells the program's logger, or the runtime's warnings where there is none. */
export function warn(message: string): void {
  const { logger } = settingsInUse();
  if (!logger) return process.emitWarning(`@unaiverse/p2p: ${message}`);
  try {
    logger({
      time: Date.now(),
      level: "warn",
      logger: "p2p",
      message,
      fields: {},
    });
  } catch (error) {
    reportUncaught(error);
  }
}

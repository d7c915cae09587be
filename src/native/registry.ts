/**
 * What all copies of this module in one isolate share: the link, the loaded library, the settings. It hangs on `globalThis`
 * because module scope is not shared by two copies, nor by two evaluations of one file in a hot restart.
 *
 * @module
 */

import process from "node:process";
import { P2PError } from "../errors.ts";
import { DEFAULT_SETTINGS, type Settings } from "../settings.ts";
import type { Evaluation } from "../evaluation.ts";
import type { NativeBinding } from "./binding.ts";
import { ABI } from "./codec.ts";
import type { Link } from "./link.ts";

/** The shared state of one isolate. */
export interface Registry {
  /** What the copy that came first speaks; another one cannot share with it. */
  readonly abi: number;
  /** The link, while there are nodes. */
  link?: Link;
  /** When the link before this one has closed. */
  closing: Promise<void>;
  /** The library once it was asked for; a process never loads two. */
  binding?: Promise<NativeBinding>;
  /** What `P2P.setupLibrary` was given. */
  settings?: Settings;
  /** By module URL, the evaluation that owns nodes. */
  readonly evaluations: Map<string, Evaluation>;
}

const KEY = Symbol.for("@unaiverse/p2p");

/** The shared state of this isolate. */
export function registry(): Registry {
  const scope = globalThis as { [KEY]?: Registry };
  const shared = scope[KEY] ??= {
    abi: ABI,
    closing: Promise.resolve(),
    evaluations: new Map(),
  };
  if (shared.abi !== ABI) {
    throw new P2PError(
      "LIBRARY_MISMATCH",
      `two versions of @unaiverse/p2p in one program speak different ABIs ` +
        `(${shared.abi} and ${ABI}): use one version throughout`,
      { operation: "create" },
    );
  }
  return shared;
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
    reportError(error);
  }
}

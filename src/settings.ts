/**
 * The settings that all nodes of a program share: the library, its limits, logging, and what happens when messages are not
 * taken. They are given once, before the first node.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import {
  checkChoice,
  checkFields,
  checkInteger,
  checkText,
  wrongRange,
  wrongType,
} from "./arguments.ts";

/** How much is logged; each level holds the ones before it. */
export type LogLevel = "off" | "error" | "warn" | "info" | "debug";

/** One line of the log of the native side. */
export interface LogRecord {
  /** Milliseconds since 1970. */
  time: number;
  /** How grave it is. */
  level: Exclude<LogLevel, "off">;
  /** The part of the library that speaks, for example `swarm2`. */
  logger: string;
  /** What it says. */
  message: string;
  /** The details, by name. */
  fields: Record<string, unknown>;
}

/**
 * What happens to direct messages that the program does not take: `wait` stops the sender and loses nothing; the other two
 * keep `maxQueuePerChannel` messages of each of `maxChannels` channels and let the newest or the oldest of a channel go.
 */
export type Overflow = "wait" | "drop-newest" | "drop-oldest";

/** Settings for `P2P.setupLibrary`; all are optional. */
export interface LibrarySettings {
  /**
   * The native library to load, a path or a `file:` URL; it is loaded as it is. Default: the one of this package, which is
   * fetched on first use and checked, or in a checkout built.
   */
  library?: string | URL;
  /** The npm registry to fetch the library from. Default: the one that npm would ask, else the public one. */
  registry?: string | URL;
  /** Milliseconds in which the registry has to send something. Default 60,000. */
  installTimeout?: number;
  /** Nodes that the process may have at a time, over all Workers. Default 32. */
  maxInstances?: number;
  /** Channels that may hold messages at a time, unless `overflow` is `"wait"`. Default 100. */
  maxChannels?: number;
  /** Messages that one channel may hold, unless `overflow` is `"wait"`. Default 50. */
  maxQueuePerChannel?: number;
  /** Bytes of the longest message, its channel and one more byte included, 1 to 2,147,483,647. Default 52,428,800 (50 MiB). */
  maxMessageSize?: number;
  /** How much the logger is told. Default `"warn"` with a logger, else `"off"`. */
  logLevel?: LogLevel;
  /** Receives the log of the native side, which itself never writes to the console. */
  logger?: (record: LogRecord) => void;
  /**
   * A loopback address and port, such as `127.0.0.1:6060`, where Go's profiler answers `go tool pprof`; whoever reaches it can
   * look into the process. Default: nowhere.
   */
  pprof?: string;
  /** What happens to messages that the program does not take. Default `"wait"`. */
  overflow?: Overflow;
}

/** The settings in use: all given or by default. */
export type Settings =
  & Required<
    Omit<
      LibrarySettings,
      "library" | "logger" | "pprof" | "registry"
    >
  >
  & Readonly<Pick<LibrarySettings, "logger" | "pprof">>
  & { readonly library?: string; readonly registry?: string };

/** What holds when `P2P.setupLibrary` is not called. */
export const DEFAULT_SETTINGS: Settings = {
  maxInstances: 32,
  maxChannels: 100,
  maxQueuePerChannel: 50,
  maxMessageSize: 50 << 20,
  installTimeout: 60_000,
  logLevel: "off",
  overflow: "wait",
};

const LOOPBACK = /^(127(\.\d{1,3}){3}|\[::1\]):[1-9]\d{0,4}$/;
const LARGEST = 2 ** 31 - 1;
const COUNTS = [
  "maxInstances",
  "maxChannels",
  "maxQueuePerChannel",
  "maxMessageSize",
  "installTimeout",
] as const;
const OVERFLOWS = ["wait", "drop-newest", "drop-oldest"] as const;
const LOG_LEVELS = ["off", "error", "warn", "info", "debug"] as const;

/** Validates settings and fills in the defaults. */
export function checkSettings(settings: unknown): Settings {
  const given = checkFields("settings", settings, [
    ...COUNTS,
    "library",
    "logLevel",
    "logger",
    "overflow",
    "pprof",
    "registry",
  ]);
  const counts: { [K in typeof COUNTS[number]]?: number } = {};
  for (const name of COUNTS) {
    if (given[name] === undefined) continue;
    counts[name] = checkInteger(`settings.${name}`, given[name], 1, LARGEST);
  }
  const { library, logger, logLevel, overflow, pprof, registry } = given;
  if (logger !== undefined && typeof logger !== "function") {
    throw wrongType("settings.logger", "a function", logger);
  }
  return {
    ...DEFAULT_SETTINGS,
    ...counts,
    library: library === undefined ? undefined : checkLibrary(library),
    logger: logger as LibrarySettings["logger"],
    logLevel: checkChoice(
      "settings.logLevel",
      logLevel ?? (logger ? "warn" : "off"),
      LOG_LEVELS,
    ),
    overflow: checkChoice("settings.overflow", overflow ?? "wait", OVERFLOWS),
    pprof: pprof === undefined ? undefined : checkLoopback(pprof),
    registry: registry === undefined ? undefined : checkRegistry(registry),
  };
}

function checkLoopback(value: unknown): string {
  const address = checkText("settings.pprof", value);
  if (LOOPBACK.test(address)) return address;
  const wanted = "a loopback address and port, such as 127.0.0.1:6060";
  throw wrongRange("settings.pprof", wanted, address);
}

function checkLibrary(value: unknown): string {
  if (!(value instanceof URL)) return checkText("settings.library", value);
  if (value.protocol !== "file:") {
    throw wrongRange("settings.library", "a path or a file: URL", value.href);
  }
  return fileURLToPath(value);
}

function checkRegistry(value: unknown): string {
  const address = value instanceof URL
    ? value.href
    : checkText("settings.registry", value);
  if (/^https?:\/\//.test(address) && URL.canParse(address)) return address;
  throw wrongRange("settings.registry", "an http or https address", address);
}

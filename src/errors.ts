/**
 * The one error class of this module and its closed set of codes. Wrong arguments are not here: they are the language's own
 * `TypeError` and `RangeError`, made in `arguments.ts`.
 *
 * @module
 */

import process from "node:process";

/**
 * Why an operation failed; a closed set, so that a `switch` over it can be complete.
 *
 * | code | meaning |
 * | --- | --- |
 * | `ABORTED` | the operation was cancelled on its way |
 * | `ADDRESS_IN_USE` | another program has the port |
 * | `ADDRESS_INVALID` | a multiaddr cannot be read, names another peer than the rest, or wants a transport that is not offered; the URI of a STUN or TURN server cannot be used |
 * | `CERTIFICATE_INVALID` | a certificate or its key cannot be used |
 * | `CLOSED` | the node is closed |
 * | `DIAL_FAILED` | none of the peer's addresses answered, or no name among them could be resolved |
 * | `IDENTITY_CORRUPT` | the key file cannot be read as a key |
 * | `IDENTITY_EXPOSED` | the key file can be read by others |
 * | `IDENTITY_IN_USE` | another live node uses the identity folder |
 * | `IDENTITY_UNREADABLE` | the identity folder cannot be read or written |
 * | `INTERNAL` | a fault of this module; please report it |
 * | `LIBRARY_FAILED` | the native library was found but could not be loaded or started |
 * | `LIBRARY_MISMATCH` | the native library belongs to another version of this module |
 * | `LIBRARY_MISSING` | there is no native library and none could be fetched or built |
 * | `LIMIT` | one of the limits of `P2P.setupLibrary` or of the node is reached |
 * | `LISTEN_FAILED` | an address could not be listened on |
 * | `MESSAGE_INVALID` | bytes are no message of this network |
 * | `PEER_INVALID` | a text is not a peer id |
 * | `PEER_SELF` | the peer is this node itself |
 * | `PEER_UNKNOWN` | no address of the peer is known |
 * | `PROTOCOL_UNSUPPORTED` | the peer does not speak the protocol |
 * | `RELAY_LIMIT` | the relay would not let the message through |
 * | `RESERVATION_FAILED` | a relay gave no reservation |
 * | `RUNTIME_UNSUPPORTED` | the runtime is not a supported one, or too old |
 * | `STREAM_FAILED` | the stream to the peer broke and could not be replaced |
 * | `TIMEOUT` | the `timeout` of the call ran out |
 * | `TOPIC_FAILED` | the router refused a topic operation |
 */
export type P2PErrorCode =
  | "ABORTED"
  | "ADDRESS_IN_USE"
  | "ADDRESS_INVALID"
  | "CERTIFICATE_INVALID"
  | "CLOSED"
  | "DIAL_FAILED"
  | "IDENTITY_CORRUPT"
  | "IDENTITY_EXPOSED"
  | "IDENTITY_IN_USE"
  | "IDENTITY_UNREADABLE"
  | "INTERNAL"
  | "LIBRARY_FAILED"
  | "LIBRARY_MISMATCH"
  | "LIBRARY_MISSING"
  | "LIMIT"
  | "LISTEN_FAILED"
  | "MESSAGE_INVALID"
  | "PEER_INVALID"
  | "PEER_SELF"
  | "PEER_UNKNOWN"
  | "PROTOCOL_UNSUPPORTED"
  | "RELAY_LIMIT"
  | "RESERVATION_FAILED"
  | "RUNTIME_UNSUPPORTED"
  | "STREAM_FAILED"
  | "TIMEOUT"
  | "TOPIC_FAILED";

/** What a {@link P2PError} knows besides its code and message. */
export interface P2PErrorDetails {
  /** The method that failed, for example `connectTo`. */
  operation: string;
  /** The peer that the failure is about. */
  peerId?: string;
  /** The error behind this one. */
  cause?: unknown;
}

/** What all copies of this module know each other's errors by. */
const BRAND = Symbol.for("@unaiverse/p2p error");

/**
 * A failure of the network, the node or the native library.
 *
 * @example Telling one failure from another
 * ```ts
 * import { P2P, P2PError } from "@unaiverse/p2p";
 *
 * try {
 *   await P2P.create({ identityDir: "./alice", port: 4001 });
 * } catch (error) {
 *   if (!(error instanceof P2PError) || error.code !== "ADDRESS_IN_USE") {
 *     throw error;
 *   }
 *   console.error("port 4001 is taken");
 * }
 * ```
 */
export class P2PError extends Error {
  /**
   * Takes an error of another copy of this module in the program for one of its own.
   *
   * @param value Anything.
   * @returns Whether it is a `P2PError`; of a subclass, whether it is one of that.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === P2PError
      ? typeof value === "object" && value !== null && BRAND in value
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }

  /** Always `P2PError`. */
  override readonly name = "P2PError";
  /** Why the operation failed. */
  readonly code: P2PErrorCode;
  /** The method that failed, for example `connectTo`. */
  readonly operation: string;
  /** The peer that the failure is about, where there is one. */
  declare readonly peerId?: string;

  /**
   * Makes an error; programs catch these, they seldom make them.
   *
   * @param code Why the operation failed.
   * @param message A sentence, with the remedy where there is one.
   * @param details The operation, and the peer and cause where there are any.
   */
  constructor(code: P2PErrorCode, message: string, details: P2PErrorDetails) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.operation = details.operation;
    if (details.peerId !== undefined) this.peerId = details.peerId;
  }
}

Object.defineProperty(P2PError.prototype, BRAND, { value: true });

/** In JavaScriptCore an error costs 0.3 µs, in V8 4 µs: too much for what a program does a hundred thousand times a second. */
const CHEAP_STACKS = process.versions.webkit !== undefined;

/** Where a call comes from; what is done `often` does not ask if that is dear. */
export function callSite(often = false): Error | undefined {
  return often && !CHEAP_STACKS ? undefined : new Error();
}

/**
 * The promise's outcome, with the stack of a failure leading to the caller, not to where the answer came in. Without a call site
 * it is the stack behind an `await`: V8 knows who awaits, unless it is done by `then`.
 */
export function traced<T>(
  promise: Promise<T>,
  site: Error | undefined,
): Promise<T> {
  if (site === undefined) return awaited(promise);
  return promise.catch((error) => {
    throw retold(error, site);
  });
}

async function awaited<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw retold(error);
  }
}

/** An error of ours made again, here or with the stack of a call site; any other as it is. */
function retold(error: unknown, site?: Error): unknown {
  if (!(error instanceof P2PError)) return error;
  const again = new P2PError(error.code, error.message, error);
  if (site) lead(again, site);
  return again;
}

/** Gives an error the stack of another. */
function lead(error: P2PError, { stack = "" }: Error): void {
  const frames = stack.indexOf("\n    at ");
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${error.message}` +
      (frames < 0 ? "" : stack.slice(frames)),
    configurable: true,
    writable: true,
  });
}

/** Reports an error that nobody caught as the runtime does; Node.js, which has no `reportError`, does so with what a microtask throws. */
export function reportUncaught(error: unknown): void {
  if (typeof reportError === "function") return reportError(error);
  queueMicrotask(() => {
    throw error;
  });
}

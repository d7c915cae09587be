/**
 * `{ signal, timeout }`, which every promise of this module takes: validated here, and watched here for whoever waits.
 *
 * @module
 */

import { checkFields, checkInteger, wrongType } from "./arguments.ts";
import { P2PError } from "./errors.ts";

/** How long a call may take, and what may end it early. */
export interface CallOptions {
  /** Ends the call when it aborts; the promise rejects with `signal.reason`. */
  signal?: AbortSignal;
  /**
   * Milliseconds until the promise rejects with code `TIMEOUT`, 1 to 2,147,483,647. Without it a call takes as long as its
   * own network timeouts let it.
   */
  timeout?: number;
}

/** Options of `close`. */
export interface CloseOptions extends CallOptions {
  /** Whether to close every node of this isolate. Default `false`. */
  all?: boolean;
}

/** Options of `messages`. */
export interface MessagesOptions {
  /** Ends the iteration when it aborts: it throws `signal.reason`. */
  signal?: AbortSignal;
  /** Whether payloads may be views of memory that messages share, to be read and not kept for long. Default `false`. */
  shared?: boolean;
}

/** One call of a public method while it runs. */
export interface Call {
  /** The method, as errors will name it. */
  readonly operation: string;
  readonly signal?: AbortSignal;
  readonly timeout?: number;
  /** When the timeout runs out, on the clock of `performance.now()`. */
  readonly expires?: number;
}

const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Validates the options of a call and starts its clock; throws the reason of a signal that has already aborted. */
export function startCall(
  operation: string,
  options: CallOptions = {},
): Call {
  const { signal, timeout } = checkFields("options", options, [
    "signal",
    "timeout",
  ]) as CallOptions;
  checkSignal(signal)?.throwIfAborted();
  if (timeout === undefined) return { operation, signal };
  checkInteger("options.timeout", timeout, 1, LONGEST_TIMEOUT);
  return { operation, signal, timeout, expires: performance.now() + timeout };
}

/** A signal, if there is one. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  if (signal instanceof AbortSignal) return signal;
  throw wrongType("options.signal", "an AbortSignal", signal);
}

/** Calls `end` with the reason once the call's signal aborts or its timeout runs out; returns how to stop watching. */
export function watch(call: Call, end: (reason: unknown) => void): () => void {
  const { operation, signal, timeout, expires } = call;
  if (signal === undefined && expires === undefined) return unwatched;
  const onAbort = () => finish(signal!.reason);
  const timer = expires === undefined ? undefined : setTimeout(
    () =>
      finish(
        new P2PError("TIMEOUT", `${operation} took more than ${timeout} ms`, {
          operation,
        }),
      ),
    Math.max(0, expires - performance.now()),
  );
  const stop = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  };
  const finish = (reason: unknown) => {
    stop();
    end(reason);
  };
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted) queueMicrotask(onAbort);
  return stop;
}

/** The promise's outcome, or the end of the call, whichever is first; the work behind the promise goes on. */
export function bounded<T>(promise: Promise<T>, call: Call): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = watch(call, reject);
    promise.then(resolve, reject).finally(stop);
  });
}

function unwatched(): void {}

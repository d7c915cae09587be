/**
 * `{ signal, timeout }`, which every promise of this module takes: validated here, and watched here for whoever waits.
 *
 * @module
 */

import { checkFields, checkInteger, wrongType } from "./arguments.ts";
import { callSite, P2PError, traced } from "./errors.ts";

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
export interface CloseOptions {
  /** Ends the wait when it aborts: the promise rejects with `signal.reason`, and the node goes on closing. */
  signal?: AbortSignal;
  /** How long what was accepted may take to leave, in milliseconds, 1 to 2,147,483,647. Default 10,000. */
  timeout?: number;
  /** Whether to close every node of this isolate. Default `false`. */
  all?: boolean;
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

/**
 * By signal, who waits for it to abort. It is listened to once for all of them: to add or remove the listener of one is, in both
 * runtimes, a walk past those of all others.
 */
const waiting = new WeakMap<AbortSignal, Waiting>();

interface Waiting {
  readonly ends: Set<() => void>;
  /** Listens no longer. */
  leave(): void;
}

/** Calls `end`, a function of this wait alone, when a signal aborts, or soon if it has; returns how to stop waiting. */
export function onAbort(signal: AbortSignal, end: () => void): () => void {
  if (signal.aborted) {
    let stopped = false;
    queueMicrotask(() => stopped || end());
    return () => stopped = true;
  }
  const known = waiting.get(signal) ?? listen(signal);
  known.ends.add(end);
  return () => {
    const last = known.ends.delete(end) && known.ends.size === 0;
    if (last && !signal.aborted) known.leave();
  };
}

function listen(signal: AbortSignal): Waiting {
  const ends = new Set<() => void>();
  const leave = () => {
    waiting.delete(signal);
    signal.removeEventListener("abort", abort);
  };
  const abort = () => {
    leave();
    for (const end of ends) end();
  };
  const made = { ends, leave };
  waiting.set(signal, made);
  signal.addEventListener("abort", abort);
  return made;
}

/** Calls `end` with the reason once the call's signal aborts or its timeout runs out; returns how to stop watching. */
export function watch(call: Call, end: (reason: unknown) => void): () => void {
  const { operation, signal, timeout, expires } = call;
  if (signal === undefined && expires === undefined) return unwatched;
  const timer = expires === undefined ? undefined : setTimeout(
    () =>
      finish(
        new P2PError("TIMEOUT", `${operation} took more than ${timeout} ms`, {
          operation,
        }),
      ),
    Math.max(0, expires - performance.now()),
  );
  const leave = signal && onAbort(signal, () => finish(signal.reason));
  const stop = () => {
    clearTimeout(timer);
    leave?.();
  };
  const finish = (reason: unknown) => {
    stop();
    end(reason);
  };
  return stop;
}

/** The promise's outcome, or the end of the call, whichever is first; the work behind the promise goes on. */
export function bounded<T>(promise: Promise<T>, call: Call): Promise<T> {
  const first = new Promise<T>((resolve, reject) => {
    const stop = watch(call, reject);
    promise.then(resolve, reject).finally(stop);
  });
  return traced(first, callSite());
}

function unwatched(): void {}

/**
 * Requests that wait for their answer: ids, cancelling, and how an answer becomes a result or an error.
 *
 * @module
 */

import { type Call, watch } from "../deadline.ts";
import { P2PError, type P2PErrorCode } from "../errors.ts";
import type { Failure } from "./events.ts";

/** What a request consists of. */
export interface Request<T> {
  op: number;
  /** The node; 0 where there is none. */
  node?: number;
  body?: Uint8Array;
  /** The peer that an error will name. */
  peerId?: string;
  /** Makes the result, before any later record is looked at; without it the result is `undefined`. */
  accept?(answer: unknown): T;
  /** Takes back what was done, when the answer comes after the caller has gone. */
  undo?(answer: unknown): void;
}

interface Pending {
  readonly call: Call;
  readonly request: Request<unknown>;
  /** Ends the caller's wait; later ends do nothing. */
  settle(end: (promise: PromiseWithResolvers<unknown>) => void): void;
}

/** The requests of one link. */
export class Requests {
  readonly #pending = new Map<number, Pending>();
  /** By node, the ids of what is pending, so that the end of one looks at its own alone. */
  readonly #ofNode = new Map<number, Set<number>>();
  readonly #cancel: (id: number) => void;
  #lastId = 0;

  /** `cancel` tells the native side that nobody waits for a request any more. */
  constructor(cancel: (id: number) => void) {
    this.#cancel = cancel;
  }

  /** Enters a request; `onSettled` is called when its promise is settled. */
  enter<T>(
    call: Call,
    request: Request<T>,
    onSettled: () => void,
  ): { id: number; promise: Promise<T> } {
    const id = this.#nextId();
    const deferred = Promise.withResolvers<unknown>();
    let settled = false;
    const settle: Pending["settle"] = (end) => {
      if (settled) return;
      settled = true;
      stop();
      end(deferred);
      onSettled();
    };
    const stop = watch(call, (reason) => {
      settle(({ reject }) => reject(reason));
      this.#cancel(id);
    });
    this.#add(id, { call, request, settle });
    return { id, promise: deferred.promise as Promise<T> };
  }

  /** Settles a request with its answer. */
  answer(id: number, failed: boolean, body: unknown): void {
    const pending = this.#remove(id);
    if (pending === undefined) return;
    const { call, request } = pending;
    let late = true;
    pending.settle(({ resolve, reject }) => {
      late = false;
      if (!failed) {
        try {
          return resolve(request.accept?.(body));
        } catch (error) {
          return reject(error);
        }
      }
      const { code, message, peer } = body as Failure;
      reject(
        new P2PError(code as P2PErrorCode, message, {
          operation: call.operation,
          peerId: peer || request.peerId || undefined,
        }),
      );
    });
    if (late && !failed) request.undo?.(body);
  }

  /** Fails one request that could not be sent. */
  refuse(id: number, reason: unknown): void {
    this.#remove(id)?.settle(({ reject }) => reject(reason));
  }

  /** Fails the requests of a node, or without one all of them, with `CLOSED`. */
  fail(message: string, node?: number): void {
    const ids = node === undefined
      ? this.#pending.keys()
      : this.#ofNode.get(node) ?? [];
    for (const id of [...ids]) {
      const { call, request, settle } = this.#remove(id)!;
      const { operation } = call;
      const { peerId } = request;
      // Of those whose callers have gone there may be many, and an error is not cheap.
      settle(({ reject }) =>
        reject(new P2PError("CLOSED", message, { operation, peerId }))
      );
    }
  }

  #add(id: number, pending: Pending): void {
    this.#pending.set(id, pending);
    const { node = 0 } = pending.request;
    const ids = this.#ofNode.get(node);
    if (ids) ids.add(id);
    else this.#ofNode.set(node, new Set([id]));
  }

  #remove(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    const { node = 0 } = pending.request;
    const ids = this.#ofNode.get(node)!;
    ids.delete(id);
    if (ids.size === 0) this.#ofNode.delete(node);
    return pending;
  }

  #nextId(): number {
    do {
      this.#lastId = this.#lastId % 0xffffffff + 1;
    } while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }
}

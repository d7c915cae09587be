/**
 * `node.messages()`: an async iterator over the mailbox. It is written by hand because an async generator cannot be returned
 * from, nor aborted, while it waits.
 *
 * @module
 */

import type { Mailbox, Message, Waiter } from "./mailbox.ts";

/** What `node.messages()` gives: an iterator for `for await` that can also be asked for what is there already. */
export interface Messages extends AsyncIterableIterator<Message, undefined> {
  /**
   * Takes the next message if there is one, without waiting for it and without the cost of a promise.
   *
   * @returns The message; `undefined` when none waits, or the iteration has ended.
   *
   * @example Taking many messages at a time
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const messages = node.messages();
   * for await (const first of messages) {
   *   for (let next: typeof first | undefined = first; next; next = messages.take()) {
   *     console.log(next.data.length);
   *   }
   * }
   * ```
   */
  take(): Message | undefined;
}

/** An iterator over a mailbox; several share it, and each message goes to one of them. */
export class MessageIterator implements Messages {
  readonly #mailbox: Mailbox;
  readonly #signal?: AbortSignal;
  readonly #shared: boolean;
  readonly #waiting = new Set<Waiter>();
  readonly #onAbort = () => this.#stop((waiter) => waiter.reject(this.#reason));
  #stopped = false;

  constructor(mailbox: Mailbox, signal?: AbortSignal, shared = false) {
    this.#mailbox = mailbox;
    this.#signal = signal;
    this.#shared = shared;
    if (shared) mailbox.share();
    signal?.addEventListener("abort", this.#onAbort);
  }

  /** This iterator. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message, if there is one. */
  take(): Message | undefined {
    return this.#stopped ? undefined : this.#mailbox.take(this.#shared);
  }

  /** The next message, once there is one. */
  next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#signal?.aborted) return Promise.reject(this.#reason);
    if (this.#stopped) return this.return();
    const value = this.#mailbox.take(this.#shared);
    if (value) return Promise.resolve({ value, done: false });
    return new Promise((resolve, reject) => {
      const waiter = {
        shared: this.#shared,
        resolve: (result: IteratorResult<Message, undefined>) => {
          this.#waiting.delete(waiter);
          if (result.done) this.#stop();
          resolve(result);
        },
        reject,
      };
      this.#waiting.add(waiter);
      this.#mailbox.next(waiter);
    });
  }

  /** Ends this iterator; what waits in the mailbox stays there. */
  return(): Promise<IteratorResult<Message, undefined>> {
    this.#stop();
    return Promise.resolve({ value: undefined, done: true });
  }

  get #reason(): unknown {
    return this.#signal?.reason;
  }

  #stop(
    end: (waiter: Waiter) => void = ({ resolve }) =>
      resolve({ value: undefined, done: true }),
  ): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (this.#shared) this.#mailbox.unshare();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    for (const waiter of this.#waiting) {
      this.#mailbox.forget(waiter);
      end(waiter);
    }
    this.#waiting.clear();
  }
}

/**
 * `node.messages()`: an async iterator over the mailbox. It is written by hand because an async generator cannot be returned
 * from, nor aborted, while it waits.
 *
 * @module
 */

import { checkBoolean, checkFields, checkText } from "./arguments.ts";
import type { Claim, Filter, Waiter } from "./claims.ts";
import { checkSignal, onAbort } from "./deadline.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Message } from "./message.ts";
import { checkPeerId } from "./peer_id.ts";

/** Options of `messages`. What is said of the messages has to be true of each; without it they are all taken. */
export interface MessagesOptions {
  /** Only messages on this channel, as the sender spells it: a direct channel or a topic's. Not together with `topic`. */
  channel?: string;
  /** Only messages from this peer: a peer id in any spelling. */
  from?: string;
  /**
   * Only direct messages with this topic, that is what `node.send` was given, or what stands behind the receiver in their
   * channel. For the messages of a topic of many (`subscribeToTopic`) give its `channel`.
   */
  topic?: string;
  /** Ends the iteration when it aborts: it throws `signal.reason`. */
  signal?: AbortSignal;
  /** Whether payloads may be views of memory that messages share, to be read and not kept for long. Default `false`. */
  shared?: boolean;
}

/** What `node.messages()` gives: an iterator for `for await` that can also be asked for what is there already. */
export interface Messages
  extends AsyncIterableIterator<Message, undefined>, AsyncDisposable {
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
  /** Takes the next message once there is one. */
  next(): Promise<IteratorResult<Message, undefined>>;
  /** Ends this iterator, also one that waits; what it has not taken is for others. */
  return(
    value?: undefined | PromiseLike<undefined>,
  ): Promise<IteratorResult<Message, undefined>>;
  /** Ends this iterator, also one that waits, and rejects with the reason. */
  throw(reason?: unknown): Promise<IteratorResult<Message, undefined>>;
}

/** What an iterator takes, and until when. */
export interface Taking extends Filter {
  signal?: AbortSignal;
  shared?: boolean;
}

/** Validates the options of `messages`. */
export function checkMessagesOptions(options: unknown = {}): Taking {
  const names = ["channel", "from", "topic", "signal", "shared"] as const;
  const given = checkFields("options", options, names);
  const { channel, from, topic, signal, shared = false } = given;
  if (channel !== undefined && topic !== undefined) {
    throw new TypeError(
      "options.topic must not be given with options.channel, which holds it",
    );
  }
  const text = (name: "channel" | "topic") =>
    given[name] === undefined
      ? undefined
      : checkText(`options.${name}`, given[name]);
  return {
    channel: text("channel"),
    topic: text("topic"),
    from: from === undefined
      ? undefined
      : checkPeerId("messages", "options.from", from),
    signal: checkSignal(signal),
    shared: checkBoolean("options.shared", shared),
  };
}

type Result = IteratorResult<Message, undefined>;

/** An iterator over a mailbox; those with one filter share what it matches, and each message goes to one of them. */
export class MessageIterator implements Messages {
  readonly #mailbox: Mailbox;
  readonly #taking: Taking;
  readonly #claim: Claim;
  readonly #waiting = new Set<Waiter>();
  /** Listens to the signal no longer. */
  readonly #ignoreSignal?: () => void;
  #stopped = false;

  constructor(mailbox: Mailbox, taking: Taking = {}) {
    this.#mailbox = mailbox;
    this.#taking = taking;
    this.#claim = mailbox.join(taking);
    if (taking.shared) mailbox.share();
    const abort = () => this.#stop((waiter) => waiter.reject(this.#reason));
    if (taking.signal?.aborted) abort();
    else if (taking.signal) this.#ignoreSignal = onAbort(taking.signal, abort);
  }

  /** This iterator. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  take(): Message | undefined {
    if (this.#stopped) return undefined;
    return this.#mailbox.take(this.#claim, this.#taking.shared);
  }

  next(): Promise<Result> {
    if (this.#taking.signal?.aborted) return Promise.reject(this.#reason);
    if (this.#stopped) return this.return();
    const value = this.take();
    if (value) return Promise.resolve({ value, done: false });
    return new Promise((resolve, reject) => {
      const waiter = {
        shared: this.#taking.shared === true,
        resolve: (result: Result) => {
          this.#waiting.delete(waiter);
          if (result.done) this.#stop();
          resolve(result);
        },
        reject,
      };
      this.#waiting.add(waiter);
      this.#mailbox.next(this.#claim, waiter);
    });
  }

  async return(value?: undefined | PromiseLike<undefined>): Promise<Result> {
    this.#stop();
    return { value: await value, done: true };
  }

  throw(reason?: unknown): Promise<Result> {
    this.#stop();
    return Promise.reject(reason);
  }

  /** Ends this iterator at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  get #reason(): unknown {
    return this.#taking.signal?.reason;
  }

  #stop(
    end: (waiter: Waiter) => void = ({ resolve }) =>
      resolve({ value: undefined, done: true }),
  ): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#ignoreSignal?.();
    if (this.#taking.shared) this.#mailbox.unshare();
    for (const waiter of this.#waiting) {
      this.#claim.waiters.delete(waiter);
      end(waiter);
    }
    this.#waiting.clear();
    this.#mailbox.leave(this.#taking, this.#claim);
  }
}

// What iterators inherit, the runtime's async iterator helpers among it where it has them.
const generator = (async function* () {}).prototype;
const inherited = Object.getPrototypeOf(Object.getPrototypeOf(generator));
Object.setPrototypeOf(MessageIterator.prototype, inherited);

/**
 * The mailbox: messages that arrived and were not taken yet. It keeps a queue a channel for `popMessages` and the order of
 * arrival over all channels for `messages`, and gives credit back for what the program takes, not for what was drained.
 *
 * @module
 */

import { Deque } from "./deque.ts";
import type { Overflow } from "./settings.ts";

/** A message that was received. */
export interface Message {
  /** The peer id of the sender, authenticated by the connection or, on topics, by the signature. */
  from: string;
  /** The channel as the sender named it. */
  channel: string;
  /** The payload. The program owns it, but for what `messages({ shared: true })` gives. */
  data: Uint8Array;
  /** What it came by: `tcp`, `quic`, `ws`, `webtransport`, `webrtc-direct`, `relay`, `webrtc` or `pubsub`. */
  transport: string;
  /** When it arrived: milliseconds since 1970. */
  receivedAt: number;
}

/** What a message can be sent from; the bytes are copied within the call. */
export type MessageData = Uint8Array | ArrayBuffer | ArrayBufferView;

/** A source of messages, and what the program has taken from it without giving credit back. */
export class Inlet {
  owed = 0;
  /** The last channel whose messages go to the mailbox: most messages come on the one before them. */
  #passed?: string;
  readonly handle: number;
  readonly peer: string;
  readonly transport: string;
  readonly #mailbox: Mailbox;

  constructor(
    mailbox: Mailbox,
    handle: number,
    peer: string,
    transport: string,
  ) {
    this.#mailbox = mailbox;
    this.handle = handle;
    this.peer = peer;
    this.transport = transport;
  }

  /** Whether a payload may be a view of memory that it shares with others. */
  get shared(): boolean {
    return this.#mailbox.sharers > 0;
  }

  /** Puts a message into the mailbox. */
  receive(channel: string, data: Uint8Array, receivedAt: number): void {
    const { peer: from, transport } = this;
    const message = { from, channel, data, transport, receivedAt };
    if (channel !== this.#passed) {
      if (!this.#mailbox.admits(message)) {
        return this.#mailbox.consume(this, message);
      }
      this.#passed = channel;
    }
    this.#mailbox.put(this, message);
  }
}

/** What a mailbox may hold, and whom it tells. */
export interface MailboxOptions {
  overflow: Overflow;
  maxChannels: number;
  maxQueuePerChannel: number;
  /** Whether messages like this one, from there and on that channel, belong into the mailbox; else it is dealt with. */
  admits(message: Message): boolean;
  /** Gives credit back. */
  credit(inlet: Inlet, cost: number): void;
  /** The mailbox was empty and is not any more. */
  readable(): void;
  /** A message was let go. */
  dropped(message: Message): void;
}

/** Who waits for the next message. */
export interface Waiter {
  /** Whether it takes views of shared memory. */
  readonly shared: boolean;
  resolve(result: IteratorResult<Message, undefined>): void;
  reject(reason: unknown): void;
}

/** One channel's messages. */
interface Queue {
  readonly messages: Deque<Message>;
  /** Where each message came from. */
  readonly inlets: Deque<Inlet>;
  /** How many of its oldest places in the order stand for messages that are gone. */
  debt: number;
}

/** What a message costs on top of its payload (`docs/boundary.md`). */
const MESSAGE_OVERHEAD = 256;
/** How much credit is collected before it is given back at once. */
const CREDIT_BATCH = 256 << 10;
/** How many places of gone messages the order may hold before it is cleared of them. */
const MAX_DEBT = 1024;

/** Gives a message bytes of its own where they are a view of shared memory. */
function own(message: Message): Message {
  const { data } = message;
  if (data.length !== data.buffer.byteLength) message.data = data.slice();
  return message;
}

/** The mailbox of one node. */
export class Mailbox {
  /** How many iterators take views of shared memory. */
  sharers = 0;
  readonly #options: MailboxOptions;
  readonly #queues = new Map<string, Queue>();
  /** For each message in order of arrival, the queue that it is in. */
  readonly #order = new Deque<Queue>();
  readonly #owing = new Set<Inlet>();
  readonly #waiters = new Set<Waiter>();
  #length = 0;
  #debt = 0;
  #owed = 0;
  #settling = false;
  #announcing = false;
  #ended = false;

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  /** How many messages wait. */
  get length(): number {
    return this.#length;
  }

  /** Whether a message belongs here; else it is dealt with. */
  admits(message: Message): boolean {
    return this.#options.admits(message);
  }

  /** Gives back the credit of a message that does not belong here. */
  consume(inlet: Inlet, message: Message): void {
    this.#owe(inlet, message);
  }

  /** Files a message. */
  put(inlet: Inlet, message: Message): void {
    let queue = this.#queues.get(message.channel);
    const full = this.#options.overflow !== "wait" && this.#isFull(queue);
    if (full && !(queue && this.#options.overflow === "drop-oldest")) {
      this.#options.dropped(message);
      return this.#owe(inlet, message);
    }
    if (queue === undefined) {
      queue = { messages: new Deque(), inlets: new Deque(), debt: 0 };
      this.#queues.set(message.channel, queue);
    }
    queue.messages.push(message);
    queue.inlets.push(inlet);
    this.#order.push(queue);
    this.#length++;
    if (full) this.#options.dropped(this.#takeOutOfOrder(queue));
    if (this.#waiters.size > 0) this.#serve();
    else if (this.#length === 1) this.#announce();
  }

  /** Takes the message that arrived first; its bytes are its own unless they may be `shared`. */
  take(shared = false): Message | undefined {
    const message = this.#takeFirst();
    if (message && !shared) own(message);
    return message;
  }

  #takeFirst(): Message | undefined {
    for (;;) {
      const queue = this.#order.shift();
      if (queue === undefined) return undefined;
      if (queue.debt === 0) return this.#takeFrom(queue);
      queue.debt--;
      this.#debt--;
    }
  }

  /** Takes the oldest message of each channel. */
  takeOneOfEach(): Message[] {
    return Array.from(
      [...this.#queues.values()],
      (queue) => own(this.#takeOutOfOrder(queue)),
    );
  }

  /** Waits for the next message; the result is done once the mailbox has ended and is empty. */
  next(waiter: Waiter): void {
    const value = this.take(waiter.shared);
    if (value) waiter.resolve({ value, done: false });
    else if (this.#ended) waiter.resolve({ value: undefined, done: true });
    else this.#waiters.add(waiter);
  }

  /** Forgets who waited. */
  forget(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  /** Nothing more will come: iterators end when they have delivered what waits. */
  end(): void {
    this.#ended = true;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) this.next(waiter);
  }

  #isFull(queue: Queue | undefined): boolean {
    const { maxChannels, maxQueuePerChannel } = this.#options;
    return queue
      ? queue.messages.length >= maxQueuePerChannel
      : this.#queues.size >= maxChannels;
  }

  #takeFrom(queue: Queue): Message {
    const message = queue.messages.shift()!;
    this.#length--;
    if (queue.messages.length === 0) this.#queues.delete(message.channel);
    this.#owe(queue.inlets.shift()!, message);
    return message;
  }

  /** Takes a queue's oldest message and leaves its place in the order to be skipped. */
  #takeOutOfOrder(queue: Queue): Message {
    queue.debt++;
    this.#debt++;
    const message = this.#takeFrom(queue);
    while (this.#order.first && this.#order.first.debt > 0) {
      this.#order.shift()!.debt--;
      this.#debt--;
    }
    if (this.#debt > MAX_DEBT && this.#debt > this.#length) this.#settleDebt();
    return message;
  }

  #settleDebt(): void {
    this.#order.filter((queue) => {
      if (queue.debt === 0) return true;
      queue.debt--;
      return false;
    });
    this.#debt = 0;
  }

  #serve(): void {
    const [waiter] = this.#waiters;
    this.#waiters.delete(waiter);
    waiter.resolve({ value: this.take(waiter.shared)!, done: false });
  }

  /** Tells of the first message once this turn's records are in, and only if it is still there. */
  #announce(): void {
    if (this.#announcing) return;
    this.#announcing = true;
    queueMicrotask(() => {
      this.#announcing = false;
      if (this.#length > 0) this.#options.readable();
    });
  }

  #owe(inlet: Inlet, message: Message): void {
    const cost = message.data.length + MESSAGE_OVERHEAD;
    inlet.owed += cost;
    this.#owed += cost;
    this.#owing.add(inlet);
    if (this.#settling) return;
    if (this.#owed < CREDIT_BATCH && this.#length > 0) return;
    this.#settling = true;
    queueMicrotask(() => this.#settle());
  }

  #settle(): void {
    this.#settling = false;
    this.#owed = 0;
    for (const inlet of this.#owing) {
      this.#options.credit(inlet, inlet.owed);
      inlet.owed = 0;
    }
    this.#owing.clear();
  }
}

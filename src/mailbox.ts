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
  /** The channel of the message before, where it leads: most messages come on the same. */
  #channel?: string;
  #source!: Source;
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

  /** Whether its messages come from the peer itself, not over a topic. */
  get direct(): boolean {
    return this.transport !== "pubsub";
  }

  /** Whether a payload may be a view of memory that it shares with others. */
  get shared(): boolean {
    return this.#mailbox.sharers > 0;
  }

  /** Puts a message into the mailbox. */
  receive(channel: string, data: Uint8Array, receivedAt: number): void {
    const { peer: from, transport } = this;
    const message = { from, channel, data, transport, receivedAt };
    if (channel !== this.#channel) {
      if (!this.#mailbox.admits(message)) {
        return this.#mailbox.consume(this, message);
      }
      this.#channel = channel;
      this.#source = { inlet: this, queue: { waiting: 0 } };
    }
    this.#mailbox.put(this.#source, message);
  }
}

/** Where messages of one inlet and channel come from. */
interface Source {
  readonly inlet: Inlet;
  queue: Queue;
}

/** One channel's messages, over all inlets. It is in the mailbox's table while messages of it wait. */
interface Queue {
  waiting: number;
}

/** A place in the order of arrival. */
interface Entry {
  /** `undefined` once the message was taken out of its turn. */
  message: Message | undefined;
  readonly source: Source;
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

/** What a message costs on top of its payload (`docs/boundary.md`). */
const MESSAGE_OVERHEAD = 256;
/** How much credit is collected before it is given back at once. */
const CREDIT_BATCH = 256 << 10;
/** How many places of gone messages the order may hold before it is cleared of them. */
const MAX_GONE = 1024;

/** The mailbox of one node. */
export class Mailbox {
  readonly #options: MailboxOptions;
  /** The messages that wait, and places of some that were taken out of their turn. */
  readonly #order = new Deque<Entry>();
  /** By channel, for those of which messages wait. */
  readonly #queues = new Map<string, Queue>();
  readonly #waiters = new Set<Waiter>();
  /** What credit has to be given back to. */
  #owing: Inlet[] = [];
  #length = 0;
  #owed = 0;
  #sharers = 0;
  /** Whether views of shared memory may wait. */
  #everShared = false;
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

  /** How many iterators take views of shared memory. */
  get sharers(): number {
    return this.#sharers;
  }

  /** Counts an iterator that takes views of shared memory, until `unshare`. */
  share(): void {
    this.#sharers++;
    this.#everShared = true;
  }

  /** Takes back one `share`. */
  unshare(): void {
    this.#sharers--;
  }

  /** Whether a message belongs here; else it is dealt with. */
  admits(message: Message): boolean {
    return this.#options.admits(message);
  }

  /** Gives back the credit of a message that does not belong here. */
  consume(inlet: Inlet, message: Message): void {
    this.#owe(inlet, message);
  }

  /** Files a message, or hands it to who waits for one. */
  put(source: Source, message: Message): void {
    if (this.#waiters.size > 0) {
      this.#serve(message);
      return this.#owe(source.inlet, message);
    }
    const { overflow } = this.#options;
    const { channel } = message;
    const full = overflow !== "wait" && this.#isFull(channel);
    if (full && (overflow === "drop-newest" || !this.#queues.has(channel))) {
      this.#options.dropped(message);
      return this.#owe(source.inlet, message);
    }
    const queue = this.#queueOf(source, channel);
    queue.waiting++;
    this.#order.push({ message, source });
    if (full) this.#options.dropped(this.#takeOldest(queue));
    else if (++this.#length === 1) this.#announce();
  }

  /** Takes the message that arrived first; its bytes are its own unless they may be `shared`. */
  take(shared = false): Message | undefined {
    for (;;) {
      const entry = this.#order.shift();
      if (entry === undefined) return undefined;
      if (entry.message === undefined) continue;
      const message = this.#remove(entry);
      return shared ? message : this.#own(message);
    }
  }

  /** Takes the oldest message of each channel. */
  takeOneOfEach(): Message[] {
    const messages: Message[] = [];
    const seen = new Set<Queue>();
    const channels = this.#queues.size;
    for (const entry of this.#order) {
      if (seen.size === channels) break;
      const { message, source: { queue } } = entry;
      if (message === undefined || seen.has(queue)) continue;
      seen.add(queue);
      messages.push(this.#own(this.#remove(entry)));
    }
    this.#clear();
    return messages;
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

  #isFull(channel: string): boolean {
    const { maxChannels, maxQueuePerChannel } = this.#options;
    const queue = this.#queues.get(channel);
    return queue
      ? queue.waiting >= maxQueuePerChannel
      : this.#queues.size >= maxChannels;
  }

  /** The queue of a channel, which a source keeps for as long as messages of it wait. */
  #queueOf(source: Source, channel: string): Queue {
    if (source.queue.waiting > 0) return source.queue;
    const known = this.#queues.get(channel);
    if (known) source.queue = known;
    else this.#queues.set(channel, source.queue);
    return source.queue;
  }

  /** Takes the message of an entry that was found. */
  #remove(entry: Entry): Message {
    const { message, source: { inlet, queue } } = entry as {
      message: Message;
      source: Source;
    };
    entry.message = undefined;
    this.#length--;
    if (--queue.waiting === 0) this.#queues.delete(message.channel);
    this.#owe(inlet, message);
    return message;
  }

  /** Takes the oldest message of a queue for the newest one, which is not counted yet. */
  #takeOldest(queue: Queue): Message {
    this.#length++;
    for (const entry of this.#order) {
      if (entry.message === undefined || entry.source.queue !== queue) continue;
      const message = this.#remove(entry);
      this.#clear();
      return message;
    }
    throw new Error("a queue counts a message that it does not have");
  }

  /** Clears the order of places whose messages are gone: at its beginning, and everywhere once they are many. */
  #clear(): void {
    const order = this.#order;
    while (order.first && order.first.message === undefined) order.shift();
    const gone = order.length - this.#length;
    if (gone > MAX_GONE && gone > this.#length) {
      order.filter(({ message }) => message !== undefined);
    }
  }

  /** Gives a message bytes of its own where they are a view of shared memory. */
  #own(message: Message): Message {
    // Looking at the buffer is not free: where it is needed only then, Bun makes it.
    if (!this.#everShared) return message;
    const { data } = message;
    if (data.length !== data.buffer.byteLength) message.data = data.slice();
    return message;
  }

  #serve(message: Message): void {
    const [waiter] = this.#waiters;
    this.#waiters.delete(waiter);
    const value = waiter.shared ? message : this.#own(message);
    waiter.resolve({ value, done: false });
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
    if (inlet.owed === 0) this.#owing.push(inlet);
    inlet.owed += cost;
    this.#owed += cost;
    if (this.#settling) return;
    if (this.#owed < CREDIT_BATCH && this.#length > 0) return;
    this.#settling = true;
    queueMicrotask(() => this.#settle());
  }

  #settle(): void {
    this.#settling = false;
    this.#owed = 0;
    const owing = this.#owing;
    this.#owing = [];
    for (const inlet of owing) {
      const { owed } = inlet;
      inlet.owed = 0;
      this.#options.credit(inlet, owed);
    }
  }
}

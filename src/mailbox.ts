/**
 * The mailbox: messages that arrived and were not taken yet. It gives them in the order of arrival, over all channels or over
 * those that a filter matches, and gives credit back for what the program takes, not for what was drained.
 *
 * @module
 */

import { type Claim, Claims, type Filter, type Waiter } from "./claims.ts";
import type { Inlet } from "./inlet.ts";
import { Lane } from "./lanes.ts";
import type { Message } from "./message.ts";
import type { Overflow } from "./settings.ts";
import { TextMap } from "./text_map.ts";

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

/** What a message costs on top of its payload (`docs/boundary.md`). */
const MESSAGE_OVERHEAD = 256;
/** How much credit is collected before it is given back at once. */
const CREDIT_BATCH = 256 << 10;

/** The mailbox of one node. */
export class Mailbox {
  readonly #options: MailboxOptions;
  readonly #claims = new Claims();
  /** By channel, the lanes that hold messages. */
  readonly #queues = new TextMap<Lane[]>();
  /** What credit has to be given back to. */
  #owing: Inlet[] = [];
  /** How many messages were filed. */
  #arrived = 0;
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

  /** How many messages wait that no filter claims. */
  get length(): number {
    return this.#claims.rest.waiting;
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

  /** A lane for an inlet's messages on a channel. */
  laneOf(inlet: Inlet, channel: string): Lane {
    return new Lane(inlet, channel, this.#claims.rest);
  }

  /** Claims what a filter matches, until `leave`. */
  join(filter: Filter): Claim {
    return this.#claims.join(filter);
  }

  /** Takes back one `join`: what still waits goes to others. */
  leave(filter: Filter, claim: Claim): void {
    const { rest } = this.#claims;
    const wasEmpty = rest.waiting === 0;
    for (const heir of this.#claims.leave(filter, claim)) {
      while (heir.waiters.size > 0 && heir.waiting > 0) {
        this.#serve(heir, this.#shift(heir.lanes.first!));
      }
    }
    if (wasEmpty && rest.waiting > 0) this.#announce();
  }

  /** Files a message, or hands it to who waits for one. */
  put(lane: Lane, message: Message): void {
    if (lane.length === 0 && lane.version !== this.#claims.version) {
      lane.claim = this.#claims.find(lane);
      lane.version = this.#claims.version;
    }
    const { claim, channel } = lane;
    if (claim.waiters.size > 0) {
      this.#serve(claim, message);
      return this.#owe(lane.inlet, message);
    }
    const { overflow } = this.#options;
    const full = overflow !== "wait" && this.#isFull(channel);
    if (full && (overflow === "drop-newest" || !this.#queues.has(channel))) {
      this.#options.dropped(message);
      return this.#owe(lane.inlet, message);
    }
    if (full) this.#options.dropped(this.#shift(oldestOf(lane.queue)!));
    this.#file(lane, message);
    if (claim.waiting === 1 && claim === this.#claims.rest) this.#announce();
  }

  /** Takes the message that arrived first; its bytes are its own unless they may be `shared`. */
  take(claim: Claim = this.#claims.rest, shared = false): Message | undefined {
    const lane = claim.lanes.first;
    if (lane === undefined) return undefined;
    const message = this.#shift(lane);
    return shared ? message : this.#own(message);
  }

  /** Takes the oldest message of each channel that no filter claims. */
  takeOneOfEach(): Message[] {
    const { rest } = this.#claims;
    const lanes: Lane[] = [];
    for (const queue of this.#queues.values()) {
      const lane = oldestOf(queue, rest);
      if (lane) lanes.push(lane);
    }
    lanes.sort((a, b) => a.oldest - b.oldest);
    return lanes.map((lane) => this.#own(this.#shift(lane)));
  }

  /** Waits for the next message; the result is done once the mailbox has ended and nothing waits. */
  next(claim: Claim, waiter: Waiter): void {
    const value = this.take(claim, waiter.shared);
    if (value) waiter.resolve({ value, done: false });
    else if (this.#ended) waiter.resolve({ value: undefined, done: true });
    else claim.waiters.add(waiter);
  }

  /** Nothing more will come: iterators end when they have delivered what waits. */
  end(): void {
    this.#ended = true;
    for (const claim of this.#claims.all()) {
      const waiters = [...claim.waiters];
      claim.waiters.clear();
      for (const waiter of waiters) this.next(claim, waiter);
    }
  }

  #isFull(channel: string): boolean {
    const { maxChannels, maxQueuePerChannel } = this.#options;
    const queue = this.#queues.get(channel);
    if (queue === undefined) return this.#queues.size >= maxChannels;
    const waiting = queue.reduce((sum, { length }) => sum + length, 0);
    return waiting >= maxQueuePerChannel;
  }

  #file(lane: Lane, message: Message): void {
    lane.push(message, this.#arrived++);
    if (lane.length === 1) this.#enter(lane);
    lane.claim.waiting++;
  }

  /** Takes the oldest message of a lane. */
  #shift(lane: Lane): Message {
    const message = lane.shift();
    lane.claim.waiting--;
    if (lane.length > 0) lane.claim.lanes.sink(lane);
    else this.#exit(lane);
    this.#owe(lane.inlet, message);
    return message;
  }

  /** Enters a lane that has got its first message. */
  #enter(lane: Lane): void {
    const { channel } = lane;
    const known = this.#queues.get(channel);
    if (known) lane.queue = known;
    else this.#queues.set(channel, lane.queue);
    lane.inQueue = lane.queue.push(lane) - 1;
    lane.claim.lanes.add(lane);
  }

  /** Strikes out a lane whose last message was taken. */
  #exit(lane: Lane): void {
    const { channel, inlet, claim, queue } = lane;
    const last = queue.pop()!;
    if (last !== lane) {
      queue[lane.inQueue] = last;
      last.inQueue = lane.inQueue;
    }
    if (queue.length === 0) this.#queues.delete(channel);
    claim.lanes.remove(lane);
    inlet.emptied(lane);
  }

  /** Gives a message bytes of its own where they are a view of shared memory. */
  #own(message: Message): Message {
    // Looking at the buffer is not free: where it is needed only then, Bun makes it.
    if (!this.#everShared) return message;
    const { data } = message;
    if (data.length !== data.buffer.byteLength) message.data = data.slice();
    return message;
  }

  #serve(claim: Claim, message: Message): void {
    const [waiter] = claim.waiters;
    claim.waiters.delete(waiter);
    const value = waiter.shared ? message : this.#own(message);
    waiter.resolve({ value, done: false });
  }

  /** Tells of the first message once this turn's records are in, and only if it is still there. */
  #announce(): void {
    if (this.#announcing) return;
    this.#announcing = true;
    queueMicrotask(() => {
      this.#announcing = false;
      if (this.length > 0) this.#options.readable();
    });
  }

  #owe(inlet: Inlet, message: Message): void {
    const cost = message.data.length + MESSAGE_OVERHEAD;
    if (inlet.owed === 0) this.#owing.push(inlet);
    inlet.owed += cost;
    this.#owed += cost;
    if (this.#settling) return;
    if (this.#owed < CREDIT_BATCH && this.#queues.size > 0) return;
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

/** The lane with the oldest message of a channel, or of those that belong to one claim. */
function oldestOf(queue: Lane[], claim?: Claim): Lane | undefined {
  let oldest: Lane | undefined;
  for (const lane of queue) {
    if (claim && lane.claim !== claim) continue;
    if (oldest === undefined || lane.oldest < oldest.oldest) oldest = lane;
  }
  return oldest;
}

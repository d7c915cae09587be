/**
 * Lanes: the messages of one source on one channel that wait, in the order in which they came. Whoever takes messages takes them
 * from the front of a lane, whatever they are sorted by; so nothing is ever taken out of the middle.
 *
 * @module
 */

import type { Claim } from "./claims.ts";
import type { Inlet } from "./inlet.ts";
import type { Message } from "./message.ts";

/** A place in a lane. */
interface Entry {
  readonly message: Message;
  /** Grows with each message of the mailbox. */
  readonly number: number;
  behind?: Entry;
}

/** The messages of one inlet on one channel that wait. */
export class Lane {
  readonly inlet: Inlet;
  readonly channel: string;
  /** Who takes from it. */
  claim: Claim;
  /** The claims that `claim` was found among. */
  version = 0;
  /** All lanes of its channel that hold messages. */
  queue: Lane[] = [];
  /** How many messages wait, and the number of the oldest. */
  length = 0;
  oldest = 0;
  /** Its place among those of the queue, and among those of the claim. */
  inQueue = 0;
  inClaim = 0;
  #first?: Entry;
  #last?: Entry;

  constructor(inlet: Inlet, channel: string, claim: Claim) {
    this.inlet = inlet;
    this.channel = channel;
    this.claim = claim;
  }

  /** Appends a message. */
  push(message: Message, number: number): void {
    const entry: Entry = { message, number, behind: undefined };
    if (this.length++ > 0) {
      this.#last!.behind = entry;
    } else {
      this.#first = entry;
      this.oldest = number;
    }
    this.#last = entry;
  }

  /** Takes the oldest message. */
  shift(): Message {
    const entry = this.#first!;
    const { behind } = entry;
    this.#first = behind;
    if (behind === undefined) this.#last = undefined;
    else this.oldest = behind.number;
    // A garbage collector follows what old entries point to.
    entry.behind = undefined;
    this.length--;
    return entry.message;
  }
}

/** Lanes that hold messages, by the age of their oldest one: a heap. Each of its lanes knows its place (`inClaim`). */
export class Lanes {
  readonly #heap: Lane[] = [];

  /** The lane with the oldest message of all. */
  get first(): Lane | undefined {
    return this.#heap[0];
  }

  /** A copy of them, in no order. */
  all(): Lane[] {
    return [...this.#heap];
  }

  /** Takes a lane in. */
  add(lane: Lane): void {
    this.#rise(lane, this.#heap.length);
  }

  /** Puts a lane where it belongs after its oldest message was taken. */
  sink(lane: Lane): void {
    if (this.#heap.length > 1) this.#sink(lane, lane.inClaim);
  }

  /** Takes a lane out, whether it holds messages or not. */
  remove(lane: Lane): void {
    const last = this.#heap.pop()!;
    if (last === lane) return;
    const at = lane.inClaim;
    this.#rise(last, at);
    if (last.inClaim === at) this.#sink(last, at);
  }

  #rise(lane: Lane, at: number): void {
    const { oldest } = lane;
    while (at > 0) {
      const above = this.#heap[(at - 1) >> 1];
      if (above.oldest < oldest) break;
      this.#set(above, at);
      at = (at - 1) >> 1;
    }
    this.#set(lane, at);
  }

  #sink(lane: Lane, at: number): void {
    const heap = this.#heap;
    const { length } = heap;
    const { oldest } = lane;
    for (let next = 2 * at + 1; next < length; next = 2 * at + 1) {
      const right = next + 1;
      if (right < length && heap[right].oldest < heap[next].oldest) {
        next = right;
      }
      const below = heap[next];
      if (oldest < below.oldest) break;
      this.#set(below, at);
      at = next;
    }
    this.#set(lane, at);
  }

  #set(lane: Lane, at: number): void {
    this.#heap[at] = lane;
    lane.inClaim = at;
  }
}

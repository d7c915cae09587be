/**
 * Who takes which messages. A filter that is in use claims the lanes that it matches; what no filter matches is for the rest, that
 * is for `popMessages` and for iterators without a filter.
 *
 * @module
 */

import { topicOf } from "./channel.ts";
import { type Lane, Lanes } from "./lanes.ts";
import type { Message } from "./message.ts";

/** Which messages an iterator takes: those that match in everything that is given. */
export interface Filter {
  readonly channel?: string;
  /** A peer id in its one spelling. */
  readonly from?: string;
  /** What stands behind the receiver in a direct channel; not together with `channel`. */
  readonly topic?: string;
}

/** Who waits for the next message. */
export interface Waiter {
  /** Whether it takes views of shared memory. */
  readonly shared: boolean;
  resolve(result: IteratorResult<Message, undefined>): void;
  reject(reason: unknown): void;
}

/** Those who take messages by one filter: each message goes to one of them. */
export class Claim {
  /** Of two claims that match a lane the older one has it. */
  readonly born: number;
  /** How many iterators take by it. */
  users = 0;
  /** How many messages wait, and where. */
  waiting = 0;
  readonly lanes: Lanes = new Lanes();
  readonly waiters: Set<Waiter> = new Set();

  constructor(born: number) {
    this.born = born;
  }
}

/** What a filter looks at, as a sum; a direct channel holds its topic, so no filter looks at both. */
const FROM = 1;
const CHANNEL = 2;
const TOPIC = 4;
const KINDS = [FROM, CHANNEL, FROM + CHANNEL, TOPIC, FROM + TOPIC];

/** The claims of a mailbox. */
export class Claims {
  /** Grows with each change: to whom a lane belongs has to be found again. */
  version = 0;
  /** What no filter matches. */
  readonly rest: Claim = new Claim(Infinity);
  readonly #claims = new Map<string, Claim>();
  /** How many claims there are of each kind: to find a lane's takes one look for each kind in use, however many they are. */
  readonly #counts = new Map<number, number>(KINDS.map((kind) => [kind, 0]));

  /** All of them, as they are now. */
  all(): Claim[] {
    return [this.rest, ...this.#claims.values()];
  }

  /** The claim to a lane. */
  find(lane: Lane): Claim {
    let found = this.rest;
    if (this.#claims.size === 0) return found;
    const parts = partsOf(lane);
    for (const [kind, count] of this.#counts) {
      if (count === 0) continue;
      const claim = this.#claims.get(keyOf(kind, parts));
      if (claim && claim.born < found.born) found = claim;
    }
    return found;
  }

  /** Takes messages by a filter from now on, until `leave`; what waits and nobody has claimed is moved over. */
  join(filter: Filter): Claim {
    const kind = kindOf(filter);
    if (kind === 0) return this.rest;
    const key = keyOf(kind, filter);
    const claim = this.#claims.get(key) ?? this.#make(kind, key);
    claim.users++;
    return claim;
  }

  /** Takes back one `join`; returns the claims that got what nobody takes by this filter any more. */
  leave(filter: Filter, claim: Claim): Set<Claim> {
    const heirs = new Set<Claim>();
    if (claim === this.rest || --claim.users > 0) return heirs;
    const kind = kindOf(filter);
    this.#claims.delete(keyOf(kind, filter));
    this.#count(kind, -1);
    for (const lane of claim.lanes.all()) {
      const heir = this.find(lane);
      this.#move(lane, heir);
      heirs.add(heir);
    }
    return heirs;
  }

  #make(kind: number, key: string): Claim {
    const claim = new Claim(this.#count(kind, 1));
    this.#claims.set(key, claim);
    for (const lane of this.rest.lanes.all()) {
      if (keyOf(kind, partsOf(lane)) === key) this.#move(lane, claim);
    }
    return claim;
  }

  #count(kind: number, more: number): number {
    this.#counts.set(kind, this.#counts.get(kind)! + more);
    return ++this.version;
  }

  #move(lane: Lane, to: Claim): void {
    lane.claim.lanes.remove(lane);
    lane.claim.waiting -= lane.length;
    lane.claim = to;
    to.lanes.add(lane);
    to.waiting += lane.length;
  }
}

function partsOf({ inlet, channel }: Lane): Filter {
  return { from: inlet.peer, channel, topic: topicOf(channel) };
}

function kindOf({ from, channel, topic }: Filter): number {
  return (from === undefined ? 0 : FROM) +
    (channel === undefined ? 0 : CHANNEL) +
    (topic === undefined ? 0 : TOPIC);
}

/** What a filter of a kind wants, as one text; peer ids hold no space, and what has no topic has the key of none. */
function keyOf(kind: number, { from, channel, topic }: Filter): string {
  if (kind & TOPIC && topic === undefined) return "";
  const peer = kind & FROM ? from : "";
  const text = kind & CHANNEL ? channel : kind & TOPIC ? topic : "";
  return `${kind} ${peer} ${text}`;
}

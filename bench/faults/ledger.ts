/**
 * The accounts of what was accepted, what arrived and what was told as lost. Each message that was accepted has arrived once, unchanged and
 * in its turn, or is within what a `drop` event told.
 */
import { NUMBER_BYTES, sizeOf, type Sizes } from "./payload.ts";

/** What the sender knows of a flow once each of its promises is settled. */
export interface Sent {
  /** How many numbers were given to messages: 0 to `next` - 1. */
  next: number;
  /** The numbers of those that were refused. */
  refused: number[];
  /** How many promises are not settled. */
  pending: number;
}

/** What `drop` events said, summed up over one reason and peer. */
export interface Told {
  reason: string;
  peer?: string;
  messages: number;
  upTo: boolean;
  events: number;
}

/** What was found of one flow or of several. */
export interface Account {
  accepted: number;
  arrived: number;
  /** Arrived although the sender was told that they were refused. */
  ghosts: number;
  doubled: number;
  disordered: number;
  /** Other bytes or another length than were sent. */
  changed: number;
  pending: number;
  lost: number;
}

/** The messages of one flow that arrived; they are ordered over all channels to the peer. */
export class Ledger {
  readonly #sizes: Sizes;
  readonly #sent: Sent;
  readonly #refused: Set<number>;
  readonly #seen = new Set<number>();
  /** The highest number so far, and the one that arrived last. */
  #highest = -1;
  #last = -1;
  #doubled = 0;
  #disordered = 0;
  #changed = 0;

  constructor(sizes: Sizes, sent: Sent) {
    this.#sizes = sizes;
    this.#sent = sent;
    this.#refused = new Set(sent.refused);
  }

  /** Takes a message down, in the order of arrival. */
  arrive(number: number, length: number, intact: boolean): void {
    const whole = length < NUMBER_BYTES ? this.#find(number, length) : number;
    const sent = whole >= 0 && whole < this.#sent.next;
    if (!sent || !intact || sizeOf(this.#sizes, whole) !== length) {
      this.#changed++;
    } else if (this.#seen.has(whole)) {
      this.#doubled++;
    } else {
      if (whole < this.#highest) this.#disordered++;
      this.#highest = Math.max(this.#highest, whole);
      this.#last = whole;
      this.#seen.add(whole);
    }
  }

  /** What came of what was sent. */
  account(): Account {
    const { next, pending } = this.#sent;
    const ghosts =
      [...this.#refused].filter((number) => this.#seen.has(number)).length;
    const accepted = next - this.#refused.size - pending;
    const arrived = this.#seen.size - ghosts;
    return {
      accepted,
      arrived,
      ghosts,
      doubled: this.#doubled,
      disordered: this.#disordered,
      changed: this.#changed,
      pending,
      lost: accepted - arrived,
    };
  }

  /**
   * The next message of this length that ends in these bytes: a short one cannot carry all of its number. Behind a gap that may be one that
   * was lost instead, which makes no difference to what is counted.
   */
  #find(low: number, length: number): number {
    const step = 256 ** length;
    const first = this.#last + 1;
    const base = Math.floor(first / step) * step + low;
    for (let number = base; number < this.#sent.next; number += step) {
      const fits = number >= first && !this.#refused.has(number);
      if (fits && sizeOf(this.#sizes, number) === length) return number;
    }
    return -1;
  }
}

/** The sum of several accounts. */
export function sum(accounts: Account[]): Account {
  const total: Account = {
    accepted: 0,
    arrived: 0,
    ghosts: 0,
    doubled: 0,
    disordered: 0,
    changed: 0,
    pending: 0,
    lost: 0,
  };
  for (const account of accounts) {
    for (const key of Object.keys(total) as (keyof Account)[]) {
      total[key] += account[key];
    }
  }
  return total;
}

/** What was told of the messages from one peer to another, by either. */
export interface Tellings {
  /** By the sender, of losses that are certain. */
  exact: number;
  /** By the sender, of what it does not know. */
  upTo: number;
  /** By the receiver, of what it could not take. */
  there: number;
}

/** Whether so many messages are lost, no less. What names no peer may be about another one, and what one refuses the other may tell too. */
export function isCertain({ reason, peer, upTo }: Told): boolean {
  return !upTo && peer !== undefined && !INCOMING.has(reason) &&
    !REFUSED.has(reason);
}

/** Sums up what two peers told of the messages from one to the other. They do not refuse messages of each other. */
export function tellings(
  sender: Told[],
  receiver: Told[],
  from: string,
  to: string,
): Tellings {
  const outgoing = sender.filter(({ reason, peer = to }) =>
    peer === to && !INCOMING.has(reason)
  );
  const incoming = receiver.filter(({ reason, peer = from }) =>
    peer === from && (INCOMING.has(reason) || REFUSED.has(reason))
  );
  const exact = outgoing.filter(({ peer, upTo }) => peer && !upTo);
  return {
    exact: count(exact),
    upTo: count(outgoing) - count(exact),
    there: count(incoming),
  };
}

function count(told: Told[]): number {
  return told.reduce((sum, { messages }) => sum + messages, 0);
}

/** The reasons of what a receiver let go. */
const INCOMING = new Set([
  "mailbox-full",
  "pubsub-overflow",
  "pubsub-validation",
  "roster-refused",
  "sender-refused",
]);
/** The reasons of what a receiver refused, which the sender hears of. */
const REFUSED = new Set(["malformed", "too-large"]);

/** What is wrong with an account, in words; nothing when every promise was kept. */
export function judge(account: Account, told: Tellings): string[] {
  const broken: string[] = [];
  const claim = (count: number, what: string) => {
    if (count > 0) broken.push(`${count} ${what}`);
  };
  const { lost } = account;
  claim(lost - told.exact - told.upTo - told.there, "lost silently");
  claim(told.exact - Math.max(0, lost), "told as lost and arrived");
  claim(account.doubled, "doubled");
  claim(account.disordered, "out of order");
  claim(account.changed, "changed");
  claim(account.ghosts, "refused and arrived");
  claim(account.pending, "never settled");
  return broken;
}

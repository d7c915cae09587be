/**
 * Counts messages that this side had to let go, and tells of them once for all that arrived together.
 *
 * @module
 */

import type { DropDetail } from "./events.ts";
import type { Message } from "./mailbox.ts";

/** The messages that a mailbox had no place for. */
export class MailboxDrops {
  readonly #tell: (detail: DropDetail) => void;
  readonly #counts = new Map<string, DropDetail>();

  constructor(tell: (detail: DropDetail) => void) {
    this.#tell = tell;
  }

  /** Counts a message. */
  add({ channel, from: peerId, data }: Message): void {
    if (this.#counts.size === 0) queueMicrotask(() => this.#flush());
    const key = `${peerId} ${channel}`;
    const count = this.#counts.get(key) ??
      { reason: "mailbox-full", channel, peerId, messages: 0, bytes: 0 };
    count.messages++;
    count.bytes += data.length;
    this.#counts.set(key, count);
  }

  #flush(): void {
    const counts = [...this.#counts.values()];
    this.#counts.clear();
    for (const count of counts) this.#tell(count);
  }
}

/**
 * Counts messages that this side had to let go, and tells of them once for all that arrived together.
 *
 * @module
 */

import type { DropDetail } from "./events.ts";

/** What is counted of a message. */
export interface Dropped {
  from: string;
  channel: string;
  data: Uint8Array;
}

/** The messages that this side let go. */
export class Drops {
  readonly #tell: (detail: DropDetail) => void;
  readonly #counts = new Map<string, DropDetail>();

  constructor(tell: (detail: DropDetail) => void) {
    this.#tell = tell;
  }

  /** Counts a message, or several that were one with others. */
  add(
    reason: string,
    { channel, from: peerId, data }: Dropped,
    messages = 1,
  ): void {
    if (this.#counts.size === 0) queueMicrotask(() => this.#flush());
    const key = `${reason} ${peerId} ${channel}`;
    const count = this.#counts.get(key) ??
      { reason, channel, peerId, messages: 0, bytes: 0 };
    count.messages += messages;
    count.bytes += data.length;
    this.#counts.set(key, count);
  }

  #flush(): void {
    const counts = [...this.#counts.values()];
    this.#counts.clear();
    for (const count of counts) this.#tell(count);
  }
}

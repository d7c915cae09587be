/**
 * The sending slots: channel names that the native side knows by number, so that a message does not carry its name across.
 *
 * @module
 */

/** How many names the native side keeps (`p2p_channel`). */
const SLOTS = 4096;

/** A channel's place. */
export interface Slot {
  /** The number; -1 once the place was given to another channel. */
  index: number;
}

/** Gives out slots; when all are taken, the oldest is given anew. */
export class SlotTable {
  readonly #register: (index: number, name: Uint8Array) => void;
  readonly #slots: Slot[] = [];
  #next = 0;

  /** `register` tells the native side what a slot means from now on. */
  constructor(register: (index: number, name: Uint8Array) => void) {
    this.#register = register;
  }

  /** A slot for a name. */
  take(name: Uint8Array): Slot {
    const index = this.#next;
    this.#register(index, name);
    this.#next = (index + 1) % SLOTS;
    const evicted = this.#slots[index];
    if (evicted) evicted.index = -1;
    return this.#slots[index] = { index };
  }
}

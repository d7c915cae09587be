/**
 * A queue in a ring: both ends cost a constant, and nothing is moved unless it outgrows its ring.
 *
 * @module
 */

const SMALLEST = 16;
/** A ring above this is given up when it has been emptied. */
const LARGEST_KEPT = 16_384;

/** First in, first out. */
export class Deque<T> implements Iterable<T> {
  #ring: (T | undefined)[] = new Array(SMALLEST).fill(undefined);
  #mask = SMALLEST - 1;
  #head = 0;
  #length = 0;

  /** How many items wait. */
  get length(): number {
    return this.#length;
  }

  /** The oldest item, which stays. */
  get first(): T | undefined {
    return this.#ring[this.#head];
  }

  /** The items, oldest first; none may be added or taken meanwhile. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) {
      yield this.#ring[(this.#head + i) & this.#mask] as T;
    }
  }

  /** Appends an item. */
  push(item: T): void {
    if (this.#length > this.#mask) this.#refill([...this]);
    this.#ring[(this.#head + this.#length++) & this.#mask] = item;
  }

  /** Takes the oldest item. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    if (--this.#length === 0 && this.#mask >= LARGEST_KEPT) this.#refill([]);
    return item;
  }

  /** Keeps the items that pass. */
  filter(keep: (item: T) => boolean): void {
    this.#refill([...this].filter(keep));
  }

  /** Puts items into a ring that has room for as many more. */
  #refill(items: T[]): void {
    let size = SMALLEST;
    while (size < 2 * items.length) size *= 2;
    this.#ring = items;
    this.#length = items.length;
    this.#ring.length = size;
    this.#ring.fill(undefined, items.length);
    this.#mask = size - 1;
    this.#head = 0;
  }
}

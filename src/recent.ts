/**
 * What is remembered to spare work, and no more of it than is of use: a new entry takes the place of the oldest.
 *
 * @module
 */

/** A map that holds so many entries, those that were made last. */
export class Recent<K, V> {
  readonly #most: number;
  readonly #entries = new Map<K, V>();

  constructor(most: number) {
    this.#most = most;
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is remembered of a key. */
  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Remembers something. */
  set(key: K, value: V): void {
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#most) return;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest);
  }
}

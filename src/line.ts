/**
 * A line of those who wait: first come, first served, and whoever gives up leaves it from any place. Every step costs a
 * constant, however many wait. What never leaves out of its turn stands in a `Deque`, which costs no object a place.
 *
 * @module
 */

/** A place in a line. */
export class Place<T> {
  readonly item: T;
  before?: Place<T>;
  behind?: Place<T>;
  /** Whether the item has been served or has left. */
  left = false;

  constructor(item: T, before?: Place<T>) {
    this.item = item;
    this.before = before;
  }
}

/** First in, first out, or out of turn. */
export class Line<T> {
  #first?: Place<T>;
  #last?: Place<T>;
  #length = 0;

  /** How many items wait. */
  get length(): number {
    return this.#length;
  }

  /** The oldest item, which stays. */
  get first(): T | undefined {
    return this.#first?.item;
  }

  /** Appends an item; its place is what it leaves by. */
  push(item: T): Place<T> {
    const place = new Place(item, this.#last);
    if (this.#last) this.#last.behind = place;
    else this.#first = place;
    this.#last = place;
    this.#length++;
    return place;
  }

  /** Takes the oldest item. */
  shift(): T | undefined {
    const place = this.#first;
    if (place) this.leave(place);
    return place?.item;
  }

  /** Lets an item leave, unless it has already. */
  leave(place: Place<T>): void {
    if (place.left) return;
    place.left = true;
    this.#length--;
    const { before, behind } = place;
    if (before) before.behind = behind;
    else this.#first = behind;
    if (behind) behind.before = before;
    else this.#last = before;
    place.before = place.behind = undefined;
  }
}

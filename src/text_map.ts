/**
 * A map by texts that strangers choose.
 *
 * V8 takes a short text of digits for a number and gives it a hash that is no secret: a `Map` or `Set` of 16,000 channels named
 * `65536`, `131072`, ... took 20 s to fill. Such texts go by another name here, whose hash nobody can foresee.
 *
 * @module
 */

/** More than the longest number that V8 has such a hash for. */
const LONGEST_NUMERAL = 16;
const MARK = "=";

/** A map by texts. */
export class TextMap<V> {
  readonly #values = new Map<string, V>();

  /** How many there are. */
  get size(): number {
    return this.#values.size;
  }

  has(text: string): boolean {
    return this.#values.has(keyOf(text));
  }

  get(text: string): V | undefined {
    return this.#values.get(keyOf(text));
  }

  set(text: string, value: V): void {
    this.#values.set(keyOf(text), value);
  }

  delete(text: string): boolean {
    return this.#values.delete(keyOf(text));
  }

  values(): MapIterator<V> {
    return this.#values.values();
  }
}

function keyOf(text: string): string {
  const first = text[0];
  const mayBeNumber = text.length <= LONGEST_NUMERAL && first >= "0" &&
    first <= "9";
  // What begins with the mark gets another, so that no two texts have one key.
  return mayBeNumber || first === MARK ? MARK + text : text;
}

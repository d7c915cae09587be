/**
 * Checks of what callers pass in: one function a shape, each error naming the argument, what is wanted and what was given.
 * The native side is never handed a number or text that has not passed here.
 *
 * @module
 */

/** A `TypeError`: the argument is of the wrong type. */
export function wrongType(
  name: string,
  wanted: string,
  given: unknown,
): TypeError {
  return new TypeError(`${name} must be ${wanted}, got ${describe(given)}`);
}

/** A `RangeError`: the argument has the right type and a value that cannot be used. */
export function wrongRange(
  name: string,
  wanted: string,
  given: unknown,
): RangeError {
  return new RangeError(`${name} must be ${wanted}, got ${describe(given)}`);
}

/** A string that is not empty, and that UTF-8 can carry. */
export function checkText(name: string, value: unknown): string {
  if (typeof value !== "string") throw wrongType(name, "a string", value);
  if (value === "") throw new RangeError(`${name} must not be empty`);
  return checkWellFormed(name, value);
}

/** Half a surrogate pair has no UTF-8: it would arrive as another character. */
export function checkWellFormed(name: string, text: string): string {
  if (text.isWellFormed()) return text;
  throw wrongRange(name, "well-formed text, without lone surrogates", text);
}

/** A boolean. */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw wrongType(name, "a boolean", value);
  return value;
}

/** A whole number between two others, both included. */
export function checkInteger(
  name: string,
  value: unknown,
  min: number,
  max: number,
): number {
  if (typeof value !== "number") throw wrongType(name, "a number", value);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw wrongRange(name, `a whole number from ${min} to ${max}`, value);
  }
  return value;
}

/** One of a few words. */
export function checkChoice<T extends string>(
  name: string,
  value: unknown,
  choices: readonly T[],
): T {
  const wanted = `one of ${choices.map((choice) => `"${choice}"`).join(", ")}`;
  if (typeof value !== "string") throw wrongType(name, wanted, value);
  if (!choices.includes(value as T)) throw wrongRange(name, wanted, value);
  return value as T;
}

/** An array, each item checked by `check`, which is told the item's name, for example `relays[2]`. */
export function checkList<T>(
  name: string,
  value: unknown,
  check: (name: string, item: unknown) => T,
): T[] {
  if (!Array.isArray(value)) throw wrongType(name, "an array", value);
  return Array.from(value, (item, index) => check(`${name}[${index}]`, item));
}

/** An object with none but the known fields; a slip of the pen is told the nearest known name. */
export function checkFields(
  name: string,
  value: unknown,
  known: readonly string[],
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType(name, "an object", value);
  }
  for (const field of Object.keys(value)) {
    if (known.includes(field)) continue;
    const near = nearest(field, known);
    throw new TypeError(
      `${name} has no field "${field}"` +
        (near ? `; did you mean "${near}"?` : ""),
    );
  }
  return value as Record<string, unknown>;
}

/**
 * The bytes of a buffer or of a view of one, not copied. Their memory and class may be of any kind: who measures them takes
 * `byteLengthOf`, and who keeps them `copyBytes`.
 */
export function checkBytes(
  name: string,
  value: unknown,
  wanted = "a Uint8Array, an ArrayBuffer or a view of one",
): Uint8Array {
  let bytes: Uint8Array | undefined;
  try {
    bytes = bytesOf(value);
  } catch {
    throw new TypeError(
      `${name} must not be detached: its memory was transferred, or has shrunk below the view`,
    );
  }
  if (bytes !== undefined) return bytes;
  throw wrongType(name, wanted, value);
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
const { get: trueByteLength } = Object.getOwnPropertyDescriptor(
  typedArray,
  "byteLength",
) as { get(): number };

/** How many bytes there are, whatever an instance or a subclass answers to `length`: C reads as many as it is told. */
export function byteLengthOf(bytes: Uint8Array): number {
  return trueByteLength.call(bytes);
}

/** A copy in memory of its own; `slice` of a `Buffer` is a view, and that of another subclass whatever it likes. */
export function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (!ArrayBuffer.isView(value)) {
    return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
  }
  const bytes = value instanceof Uint8Array
    ? value
    : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  // A typed array without memory is not refused by its getters: they answer 0.
  if (bytes.length === 0 && !(value instanceof DataView)) {
    typedArray.values.call(value);
  }
  return bytes;
}

function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `"${value.length > 80 ? `${value.slice(0, 77)}...` : value}"`;
    case "object":
      return value === null
        ? "null"
        : `an object (${value.constructor?.name ?? "without a prototype"})`;
    case "function":
      return "a function";
    case "symbol":
    case "undefined":
      return String(value);
    default:
      return `${typeof value} ${value}`;
  }
}

function nearest(
  word: string,
  known: readonly string[],
): string | undefined {
  const farthest = Math.max(2, Math.floor(word.length / 3));
  return known
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .filter(({ distance }) => distance <= farthest)
    .sort((a, b) => a.distance - b.distance)[0]?.name;
}

function editDistance(a: string, b: string): number {
  const left = a.toLowerCase().replaceAll("_", "");
  const right = b.toLowerCase();
  let row = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const swap = row[j - 1] + (left[i - 1] === right[j - 1] ? 0 : 1);
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, swap);
    }
    row = next;
  }
  return row[right.length];
}

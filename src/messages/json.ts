/**
 * JSON as Python's `json` writes and reads it: ASCII alone, a space behind each comma and colon, and with NaN and the two
 * infinities, which `JSON.parse` refuses.
 *
 * @module
 */

import type { Budget } from "./budget.ts";
import { JsonReader, LONGEST_NUMERAL } from "./json_reader.ts";
import { malformed, readText } from "./wire.ts";

/** As deep as Python writes and reads; what is read must not fill the stack of who goes through it. */
const MAX_DEPTH = 1000;
const ESCAPES = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\b", "\\b"],
  ["\f", "\\f"],
]);
/** More than so many are not for `JSON.parse`, see `unquote`. */
const MAX_NUMERALS = 256;
const [QUOTE, BACKSLASH, BRACKET, BRACE, END_BRACKET, END_BRACE, ZERO, NINE] =
  new TextEncoder().encode('"\\[{]}09');

/**
 * Writes a value. Whole numbers are written without a point, so that Python reads an int; `undefined` and functions are left
 * out of objects and are null in arrays; a `bigint` is written with all of its digits.
 */
export function encodeJson(value: unknown): string {
  const text = write(value, new Set());
  if (text === undefined) {
    throw new TypeError("content.value cannot be written as JSON");
  }
  return text;
}

/** Reads a value. Numbers beyond 2^53 lose digits, as in `JSON.parse`. */
export function decodeJson(json: Uint8Array, budget: Budget): unknown {
  const numerals = survey(json, budget);
  const text = readText(json);
  if (numerals <= MAX_NUMERALS) {
    try {
      return JSON.parse(text);
    } catch {
      // It may still be what Python writes.
    }
  }
  try {
    return new JsonReader(text).read();
  } catch (error) {
    throw malformed("its JSON cannot be read", error);
  }
}

/**
 * Makes sure that JSON is not nested too deep, and that there is memory for all of its lists and objects. Counts the strings that
 * may be whole numbers.
 */
function survey(json: Uint8Array, budget: Budget): number {
  let depth = 0;
  let numerals = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case QUOTE: {
        const start = at + 1;
        at = endOfString(json, start);
        const isDigit = json[start] >= ZERO && json[start] <= NINE;
        if (isDigit && at - start <= LONGEST_NUMERAL) numerals++;
        break;
      }
      case BRACKET:
      case BRACE:
        if (++depth > MAX_DEPTH) throw malformed("its JSON is nested too deep");
        budget.object();
        break;
      case END_BRACKET:
      case END_BRACE:
        depth--;
    }
  }
  return numerals;
}

function endOfString(json: Uint8Array, start: number): number {
  let at = start;
  while (at < json.length && json[at] !== QUOTE) {
    at += json[at] === BACKSLASH ? 2 : 1;
  }
  return at;
}

function write(given: unknown, within: Set<object>): string | undefined {
  const value = hasToJson(given) ? given.toJSON("") : given;
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      return writeNumber(value);
    case "bigint":
    case "boolean":
      return String(value);
    case "object":
      return value === null ? "null" : writeObject(value, within);
    default:
      return undefined;
  }
}

function writeObject(value: object, within: Set<object>): string {
  if (within.has(value)) {
    throw new TypeError("content.value must not contain itself");
  }
  if (within.size === MAX_DEPTH) {
    throw new RangeError(
      `content.value must not be nested more than ${MAX_DEPTH} deep`,
    );
  }
  within.add(value);
  let text: string;
  if (Array.isArray(value)) {
    const items = Array.from(value, (item) => write(item, within) ?? "null");
    text = `[${items.join(", ")}]`;
  } else {
    const entries = Object.entries(value)
      .map(([key, item]) => [quote(key), write(item, within)])
      .filter(([, item]) => item !== undefined);
    text = `{${entries.map(([key, item]) => `${key}: ${item}`).join(", ")}}`;
  }
  within.delete(value);
  return text;
}

/** As Python's `repr` has it. */
function writeNumber(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) {
    return Math.abs(value) < 1e21 ? BigInt(value).toString() : String(value);
  }
  const [digits, exponent] = value.toExponential().split("e");
  if (Number(exponent) >= -4) return String(value);
  return `${digits}e-${exponent.slice(1).padStart(2, "0")}`;
}

/** All but printable ASCII is escaped, each half of a surrogate pair by itself. */
function quote(text: string): string {
  const escaped = text.replace(
    /[^ !#-[\]-~]/g,
    (char) =>
      ESCAPES.get(char) ??
        `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}

function hasToJson(
  value: unknown,
): value is { toJSON(key: string): unknown } {
  return typeof value === "object" && value !== null &&
    typeof (value as { toJSON?: unknown }).toJSON === "function";
}

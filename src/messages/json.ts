/**
 * JSON as Python's `json` writes and reads it: ASCII alone, a space behind each comma and colon, and with NaN and the two
 * infinities, which `JSON.parse` refuses.
 *
 * @module
 */

import { MAX_DEPTH, outlineOf, parseJson } from "../json.ts";
import type { Budget } from "./budget.ts";
import { malformed, readText } from "./wire.ts";

const ESCAPES = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\b", "\\b"],
  ["\f", "\\f"],
]);
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
  const outline = outlineOf(json);
  budget.objects(outline.containers);
  const text = readText(json);
  try {
    return parseJson(text, outline, true);
  } catch (error) {
    throw malformed("its JSON cannot be read", error);
  }
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

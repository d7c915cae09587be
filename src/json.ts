/**
 * Reading JSON that strangers wrote, in time that follows its length: a look at its bytes, and then the one of two readers that is
 * right for it.
 *
 * @module
 */

import { JsonReader, LONGEST_NUMERAL } from "./json_reader.ts";

/** As deep as Python writes and reads; what is read must not fill the stack of who goes through it. */
export const MAX_DEPTH = 1000;
/** A text with more strings that may be whole numbers is not for `JSON.parse`, see `JsonReader`. */
const MAX_NUMERALS = 256;
const [QUOTE, BACKSLASH, BRACKET, BRACE, END_BRACKET, END_BRACE, ZERO, NINE] =
  new TextEncoder().encode('"\\[{]}09');

/** What can be seen of JSON without reading it. */
export interface Outline {
  /** How deep its lists and objects are nested. */
  depth: number;
  /** How many lists and objects there are. */
  containers: number;
  /** How many strings may be whole numbers. */
  numerals: number;
}

/** Looks at JSON, in UTF-8. */
export function outlineOf(json: Uint8Array): Outline {
  const outline = { depth: 0, containers: 0, numerals: 0 };
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case QUOTE: {
        const start = at + 1;
        at = endOfString(json, start);
        const isDigit = json[start] >= ZERO && json[start] <= NINE;
        if (isDigit && at - start <= LONGEST_NUMERAL) outline.numerals++;
        break;
      }
      case BRACKET:
      case BRACE:
        outline.containers++;
        if (++depth > outline.depth) outline.depth = depth;
        break;
      case END_BRACKET:
      case END_BRACE:
        depth--;
    }
  }
  return outline;
}

function endOfString(json: Uint8Array, start: number): number {
  let at = start;
  while (at < json.length && json[at] !== QUOTE) {
    at += json[at] === BACKSLASH ? 2 : 1;
  }
  return at;
}

/**
 * Reads JSON.
 *
 * @param text What was looked at.
 * @param outline What was seen of it.
 * @param words Whether NaN and the two infinities are taken, which Python writes.
 * @throws {SyntaxError} If it is no JSON, or nested too deep.
 */
export function parseJson(
  text: string,
  { depth, numerals }: Outline,
  words = false,
): unknown {
  if (depth > MAX_DEPTH) {
    throw new SyntaxError(`it is nested more than ${MAX_DEPTH} deep`);
  }
  if (numerals <= MAX_NUMERALS) {
    try {
      return JSON.parse(text);
    } catch (error) {
      if (!words) throw error;
    }
  }
  return new JsonReader(text, words).read();
}

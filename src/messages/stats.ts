/**
 * Statistics: what agents report to their world, each with a value of any JSON type (`google.protobuf.Value`).
 *
 * @module
 */

import { checkInteger, wrongType } from "../arguments.ts";
import { fieldsOf, malformed, Writer } from "./wire.ts";

/** A value of a statistic. */
export type StatValue =
  | null
  | number
  | string
  | boolean
  | StatValue[]
  | { [name: string]: StatValue };

/** One statistic. */
export interface StatUpdate {
  /** Whom it is about: the peer id of an agent, or the name of a group. Python calls it `group_key`. */
  groupKey: string;
  /** Its name. */
  statName: string;
  /** When it was taken, a whole number; the Python node gives milliseconds since 1970. */
  timestamp: number;
  /** Its value. */
  value: StatValue;
}

/** Nobody nests deeper, and a message must not fill the stack. */
const MAX_DEPTH = 100;

/** Writes a `StatBatch` message. */
export function encodeStats(updates: readonly StatUpdate[]): Uint8Array {
  const batch = new Writer();
  updates.forEach((update, index) => {
    const name = `updates[${index}]`;
    const { groupKey, statName, timestamp, value } = update;
    for (const [field, text] of Object.entries({ groupKey, statName })) {
      if (typeof text !== "string") {
        throw wrongType(`${name}.${field}`, "a string", text);
      }
    }
    const safe = Number.MAX_SAFE_INTEGER;
    checkInteger(`${name}.timestamp`, timestamp, -safe, safe);
    const written = new Writer().text(1, groupKey).text(2, statName)
      .int(3, timestamp).always(4, encodeValue(`${name}.value`, value, 0));
    batch.always(1, written.finish());
  });
  return batch.finish();
}

/** Reads a `StatBatch` message. */
export function decodeStats(message: Uint8Array): StatUpdate[] {
  const updates: StatUpdate[] = [];
  for (const field of fieldsOf(message)) {
    if (field.number === 1) updates.push(decodeUpdate(field.bytes));
  }
  return updates;
}

function decodeUpdate(message: Uint8Array): StatUpdate {
  const update: StatUpdate = {
    groupKey: "",
    statName: "",
    timestamp: 0,
    value: null,
  };
  for (const field of fieldsOf(message)) {
    if (field.number === 1) update.groupKey = field.text;
    else if (field.number === 2) update.statName = field.text;
    else if (field.number === 3) update.timestamp = field.int64;
    else if (field.number === 4) update.value = decodeValue(field.bytes, 0);
  }
  return update;
}

function encodeValue(name: string, value: unknown, depth: number): Uint8Array {
  if (depth > MAX_DEPTH) {
    throw new RangeError(`${name} is nested more than ${MAX_DEPTH} deep`);
  }
  const writer = new Writer();
  switch (typeof value) {
    case "number":
      return writer.double(2, value).finish();
    case "string":
      return writer.always(3, new TextEncoder().encode(value)).finish();
    case "boolean":
      return writer.varint(4, value ? 1n : 0n).finish();
    case "object":
      break;
    default:
      throw wrongType(name, "null or of a JSON type", value);
  }
  if (value === null) return writer.varint(1, 0n).finish();
  const inner = new Writer();
  if (Array.isArray(value)) {
    value.forEach((item, index) =>
      inner.always(1, encodeValue(`${name}[${index}]`, item, depth + 1))
    );
    return writer.always(6, inner.finish()).finish();
  }
  for (const [key, item] of Object.entries(value)) {
    const entry = new Writer().always(1, new TextEncoder().encode(key))
      .always(2, encodeValue(`${name}.${key}`, item, depth + 1));
    inner.always(1, entry.finish());
  }
  return writer.always(5, inner.finish()).finish();
}

function decodeValue(message: Uint8Array, depth: number): StatValue {
  if (depth > MAX_DEPTH) throw malformed("a value is nested too deep");
  let value: StatValue = null;
  for (const field of fieldsOf(message)) {
    switch (field.number) {
      case 1:
        value = null;
        break;
      case 2:
        value = field.double;
        break;
      case 3:
        value = field.text;
        break;
      case 4:
        value = field.bool;
        break;
      case 5:
        value = decodeStruct(field.bytes, depth + 1);
        break;
      case 6:
        value = decodeList(field.bytes, depth + 1);
    }
  }
  return value;
}

function decodeList(message: Uint8Array, depth: number): StatValue[] {
  const list: StatValue[] = [];
  for (const field of fieldsOf(message)) {
    if (field.number === 1) list.push(decodeValue(field.bytes, depth));
  }
  return list;
}

function decodeStruct(
  message: Uint8Array,
  depth: number,
): { [name: string]: StatValue } {
  const entries: [string, StatValue][] = [];
  for (const field of fieldsOf(message)) {
    if (field.number !== 1) continue;
    let key = "";
    let value: StatValue = null;
    for (const part of fieldsOf(field.bytes)) {
      if (part.number === 1) key = part.text;
      else if (part.number === 2) value = decodeValue(part.bytes, depth);
    }
    entries.push([key, value]);
  }
  return Object.fromEntries(entries);
}

/**
 * Statistics: what agents report to their world, each with a value of any JSON type (`google.protobuf.Value`).
 *
 * @module
 */

import { checkInteger, wrongType } from "../arguments.ts";
import type { Budget } from "./budget.ts";
import { Fields, malformed, NOTHING, readMap, utf8, Writer } from "./wire.ts";

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
export function decodeStats(message: Uint8Array, budget: Budget): StatUpdate[] {
  const updates: StatUpdate[] = [];
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number !== 1) continue;
    updates.push(decodeUpdate(fields.bytes, budget));
  }
  return updates;
}

function decodeUpdate(message: Uint8Array, budget: Budget): StatUpdate {
  budget.objects(1);
  const update: StatUpdate = {
    groupKey: "",
    statName: "",
    timestamp: 0,
    value: null,
  };
  let value = NOTHING;
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number === 1) update.groupKey = fields.text;
    else if (fields.number === 2) update.statName = fields.text;
    else if (fields.number === 3) update.timestamp = fields.int64;
    else if (fields.number === 4) value = fields.bytes;
  }
  update.value = decodeValue(value, budget, 0);
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
      return writer.always(3, utf8(value)).finish();
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
    const entry = new Writer().always(1, utf8(key))
      .always(2, encodeValue(`${name}.${key}`, item, depth + 1));
    inner.always(1, entry.finish());
  }
  return writer.always(5, inner.finish()).finish();
}

function decodeValue(
  message: Uint8Array,
  budget: Budget,
  depth: number,
): StatValue {
  if (depth > MAX_DEPTH) throw malformed("a value is nested too deep");
  let value: StatValue = null;
  let kind = 0;
  let inner = NOTHING;
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number > 6) continue;
    kind = fields.number;
    switch (kind) {
      case 1:
        value = null;
        break;
      case 2:
        value = fields.double;
        break;
      case 3:
        value = fields.text;
        break;
      case 4:
        value = fields.bool;
        break;
      case 5:
      case 6:
        inner = fields.bytes;
    }
  }
  if (kind === 5) return decodeStruct(inner, budget, depth + 1);
  if (kind === 6) return decodeList(inner, budget, depth + 1);
  return value;
}

function decodeList(
  message: Uint8Array,
  budget: Budget,
  depth: number,
): StatValue[] {
  budget.objects(1);
  const list: StatValue[] = [];
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number !== 1) continue;
    list.push(decodeValue(fields.bytes, budget, depth));
  }
  return list;
}

function decodeStruct(
  message: Uint8Array,
  budget: Budget,
  depth: number,
): { [name: string]: StatValue } {
  budget.objects(1);
  return readMap(
    message,
    budget,
    (value) => decodeValue(value, budget, depth),
  );
}

/**
 * The protobuf wire format, as far as the messages of this network need it: https://protobuf.dev/programming-guides/encoding/
 *
 * @module
 */

import { byteLengthOf, checkWellFormed } from "../arguments.ts";
import { P2PError } from "../errors.ts";
import type { Budget } from "./budget.ts";

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** The bytes of a field that is not there. */
export const NOTHING: Uint8Array = new Uint8Array(0);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that are no message of this network. */
export function malformed(what: string, cause?: unknown): P2PError {
  return new P2PError("MESSAGE_INVALID", `not a message: ${what}`, {
    operation: "decodeMessage",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The bytes of a text; half a surrogate pair has none. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(checkWellFormed("a text of the message", text));
}

/** Writes the fields of one protobuf message. A field with its type's zero is left out, as proto3 wants it. */
export class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** What was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** A string. */
  text(field: number, value: string): this {
    return value === "" ? this : this.always(field, utf8(value));
  }

  /** Bytes. */
  bytes(field: number, value: Uint8Array): this {
    return byteLengthOf(value) === 0 ? this : this.always(field, value);
  }

  /** An int32 or int64. */
  int(field: number, value: number): this {
    return value === 0 ? this : this.varint(field, BigInt(value));
  }

  /** Integers, packed. */
  ints(field: number, values: readonly number[]): this {
    const packed = new Writer();
    for (const value of values) packed.#varint(BigInt(value));
    return this.bytes(field, packed.finish());
  }

  /** A length-delimited field, even an empty one: a message, or a member of a oneof. */
  always(field: number, value: Uint8Array): this {
    const length = byteLengthOf(value);
    this.#tag(field, BYTES);
    this.#varint(BigInt(length));
    this.#reserve(length);
    this.#bytes.set(value, this.#length);
    this.#length += length;
    return this;
  }

  /** A varint, even 0. */
  varint(field: number, value: bigint): this {
    this.#tag(field, VARINT);
    return this.#varint(value);
  }

  /** A double, even 0. */
  double(field: number, value: number): this {
    this.#tag(field, FIXED64);
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  #tag(field: number, type: number): void {
    this.#varint(BigInt((field << 3) | type));
  }

  #varint(value: bigint): this {
    let rest = BigInt.asUintN(64, value);
    this.#reserve(10);
    while (rest > 0x7fn) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
    return this;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/**
 * Goes through the fields of a message. It is the field that it stands at, so that a message of millions of small fields takes
 * no memory for each.
 */
export class Fields {
  /** The number of the field; 0 before the first. */
  number = 0;
  readonly #message: Uint8Array;
  /** Where the next field begins. */
  #at = 0;
  #type = VARINT;
  /** The two halves of the number that was read last. */
  #low = 0;
  #high = 0;
  /** Where the value begins, if it is not a number; it ends at the next field. */
  #start = 0;

  constructor(message: Uint8Array) {
    this.#message = message;
  }

  /** Goes to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#message.length) return false;
    this.#varint();
    this.number = this.#low >>> 3;
    this.#type = this.#low & 7;
    if (this.#high !== 0 || this.number === 0) {
      throw malformed("there is a field whose number is not in use");
    }
    switch (this.#type) {
      case VARINT:
        this.#varint();
        return true;
      case FIXED64:
        return this.#skip(8);
      case BYTES:
        this.#varint();
        return this.#skip(this.#high * 2 ** 32 + this.#low);
      case FIXED32:
        return this.#skip(4);
    }
    throw malformed(`wire type ${this.#type} is not in use`);
  }

  /** Its bytes: those of a message, a string, or a bytes field. */
  get bytes(): Uint8Array {
    this.#expect(BYTES);
    return this.#message.subarray(this.#start, this.#at);
  }

  /** Its text. */
  get text(): string {
    return readText(this.bytes);
  }

  /** Its value as an int32. */
  get int32(): number {
    this.#expect(VARINT);
    return this.#low | 0;
  }

  /** Its value as an int64, which has to be one that a number can hold. */
  get int64(): number {
    this.#expect(VARINT);
    const value = (this.#high | 0) * 2 ** 32 + this.#low;
    if (Number.isSafeInteger(value)) return value;
    throw malformed(`${value} is too large for a number`);
  }

  /** Its value as a truth value. */
  get bool(): boolean {
    this.#expect(VARINT);
    return this.#low !== 0 || this.#high !== 0;
  }

  /** Its value as a double. */
  get double(): number {
    this.#expect(FIXED64);
    const { buffer, byteOffset } = this.#message;
    return new DataView(buffer, byteOffset).getFloat64(this.#start, true);
  }

  /** Adds its values as int32 to a list: packed, or a single one. */
  addInt32s(list: number[], budget: Budget): void {
    if (this.#type === VARINT) {
      budget.dimension();
      list.push(this.int32);
      return;
    }
    const packed = new Fields(this.bytes);
    while (packed.#at < packed.#message.length) {
      packed.#varint();
      budget.dimension();
      list.push(packed.#low | 0);
    }
  }

  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#message.length) throw cutOff();
      const byte = this.#message[this.#at++];
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift >= 32) high |= bits << (shift - 32);
      else if (shift > 25) high |= bits >> (32 - shift);
      if (byte < 0x80) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    throw malformed("a number takes more than ten bytes");
  }

  #skip(count: number): true {
    const end = this.#at + count;
    if (end > this.#message.length) throw cutOff();
    this.#start = this.#at;
    this.#at = end;
    return true;
  }

  #expect(type: number): void {
    if (this.#type === type) return;
    throw malformed(`field ${this.number} has wire type ${this.#type}`);
  }
}

/**
 * Reads a message that is a map from names to messages. Of several of one name the last holds, so none is read before all have
 * been seen.
 */
export function readMap<T>(
  message: Uint8Array,
  budget: Budget,
  read: (value: Uint8Array) => T,
): Record<string, T> {
  const entries: [string, Uint8Array][] = [];
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number !== 1) continue;
    budget.objects(1);
    let key = "";
    let value = NOTHING;
    const parts = new Fields(fields.bytes);
    while (parts.next()) {
      if (parts.number === 1) key = parts.text;
      else if (parts.number === 2) value = parts.bytes;
    }
    entries.push([key, value]);
  }
  // Not a Map: in V8 the hashes of strings that look like whole numbers can be made equal there, but not in an object.
  const last = Object.entries(Object.fromEntries(entries));
  return Object.fromEntries(last.map(([key, value]) => [key, read(value)]));
}

/** The text of a string field. */
export function readText(bytes: Uint8Array): string {
  if (bytes.length === 0) return "";
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw malformed("a string is not UTF-8", error);
  }
}

function cutOff(): P2PError {
  return malformed("it is cut off");
}

/**
 * The protobuf wire format, as far as the messages of this network need it: https://protobuf.dev/programming-guides/encoding/
 *
 * @module
 */

import { byteLengthOf } from "../arguments.ts";
import { P2PError } from "../errors.ts";

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that are no message of this network. */
export function malformed(what: string, cause?: unknown): P2PError {
  return new P2PError("MESSAGE_INVALID", `not a message: ${what}`, {
    operation: "decodeMessage",
    ...(cause === undefined ? {} : { cause }),
  });
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
    return value === "" ? this : this.always(field, encoder.encode(value));
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

/** One field of a message that is being read. */
export class Field {
  readonly number: number;
  readonly #type: number;
  readonly #value: bigint | Uint8Array;

  constructor(number: number, type: number, value: bigint | Uint8Array) {
    this.number = number;
    this.#type = type;
    this.#value = value;
  }

  /** Its bytes: those of a message, a string, or a bytes field. */
  get bytes(): Uint8Array {
    this.#expect(BYTES);
    return this.#value as Uint8Array;
  }

  /** Its text. */
  get text(): string {
    try {
      return decoder.decode(this.bytes);
    } catch (error) {
      if (error instanceof P2PError) throw error;
      throw malformed("a string is not UTF-8", error);
    }
  }

  /** Its value as an int32. */
  get int32(): number {
    this.#expect(VARINT);
    return Number(BigInt.asIntN(32, this.#value as bigint));
  }

  /** Its value as an int64, which has to be one that a number can hold. */
  get int64(): number {
    this.#expect(VARINT);
    const value = BigInt.asIntN(64, this.#value as bigint);
    if (!Number.isSafeInteger(Number(value))) {
      throw malformed(`${value} is too large for a number`);
    }
    return Number(value);
  }

  /** Its value as a truth value. */
  get bool(): boolean {
    this.#expect(VARINT);
    return this.#value !== 0n;
  }

  /** Its value as a double. */
  get double(): number {
    this.#expect(FIXED64);
    const { buffer, byteOffset } = this.#value as Uint8Array;
    return new DataView(buffer, byteOffset).getFloat64(0, true);
  }

  /** Its values as int32, packed or a single one. */
  get int32s(): number[] {
    if (this.#type === VARINT) return [this.int32];
    const reader = new Reader(this.bytes);
    const values: number[] = [];
    while (!reader.done) {
      values.push(Number(BigInt.asIntN(32, reader.varint())));
    }
    return values;
  }

  #expect(type: number): void {
    if (this.#type !== type) {
      throw malformed(`field ${this.number} has wire type ${this.#type}`);
    }
  }
}

/** Goes through the fields of a message. */
export function* fieldsOf(message: Uint8Array): Generator<Field, void> {
  const reader = new Reader(message);
  while (!reader.done) yield reader.field();
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  field(): Field {
    const tag = Number(this.varint());
    const number = Math.floor(tag / 8);
    const type = tag & 7;
    if (number < 1 || number > 0x1fffffff) {
      throw malformed(`there is no field ${number}`);
    }
    switch (type) {
      case VARINT:
        return new Field(number, type, this.varint());
      case FIXED64:
        return new Field(number, type, this.#take(8));
      case BYTES:
        return new Field(number, type, this.#take(Number(this.varint())));
      case FIXED32:
        return new Field(number, type, this.#take(4));
    }
    throw malformed(`wire type ${type} is not in use`);
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#take(1)[0];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed("a number takes more than ten bytes");
  }

  #take(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw malformed("it is cut off");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

/**
 * The payloads of bench/faults: each names its flow, its number and its length, and carries a checksum over all of its bytes. What is
 * too short for that carries its number, or the lowest bytes of it, and a pattern that follows from it.
 */
import type { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

/** How long the messages of a flow are: a length for each number, the same wherever it is asked. */
export interface Sizes {
  seed: number;
  smallest: number;
  largest: number;
  /** Whether small sizes are as likely as large ones, doubling for doubling; else all are equally likely. */
  spread?: boolean;
  /** A message that has another length. */
  exception?: { number: number; size: number };
}

/** What a payload says of itself. */
export interface Read {
  /** Of a payload of less than 4 bytes the lowest bytes alone. */
  number: number;
  intact: boolean;
}

const HEADER = 16;
const BLOCK = 4 << 20;

/** How many bytes of its number a payload carries at most. */
export const NUMBER_BYTES = 4;

/** A number from 0 to 1 for each pair of numbers. */
export function chance(seed: number, number: number): number {
  let mixed = Math.imul(seed ^ Math.imul(number + 1, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x27d4eb2f);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}

/** The length of a message. */
export function sizeOf(sizes: Sizes, number: number): number {
  const { seed, smallest, largest, spread, exception } = sizes;
  if (number === exception?.number) return exception.size;
  const at = chance(seed, number);
  const size = spread
    ? smallest * (largest / smallest) ** at
    : smallest + (largest - smallest) * at;
  return Math.round(size);
}

/** Writes a payload over the whole of a buffer. */
export function write(data: Buffer, flow: number, number: number): void {
  const { length } = data;
  if (length < HEADER) {
    for (let i = 0; i < length; i++) data[i] = small(i, flow, number);
    return;
  }
  const body = length - HEADER;
  for (let at = 0, from = start(number); at < body; from = 0) {
    const part = block().subarray(from, from + body - at);
    data.set(part, HEADER + at);
    at += part.length;
  }
  data.writeUInt32LE(flow, 0);
  data.writeUInt32LE(number, 4);
  data.writeUInt32LE(length, 8);
  data.writeUInt32LE(checksum(data), 12);
}

/** Reads a payload of a flow. */
export function read(data: Uint8Array, flow: number): Read {
  const { length } = data;
  if (length < HEADER) return readSmall(data, flow);
  const view = new DataView(data.buffer, data.byteOffset, length);
  const intact = view.getUint32(0, true) === flow &&
    view.getUint32(8, true) === length &&
    view.getUint32(12, true) === checksum(data);
  return { number: view.getUint32(4, true), intact };
}

function readSmall(data: Uint8Array, flow: number): Read {
  let number = 0;
  for (let i = Math.min(data.length, NUMBER_BYTES) - 1; i >= 0; i--) {
    number = (number << 8 | data[i]) >>> 0;
  }
  const intact = data.every((byte, i) => byte === small(i, flow, number));
  return { number, intact };
}

function small(index: number, flow: number, number: number): number {
  return index < NUMBER_BYTES
    ? number >>> (8 * index) & 0xff
    : (flow * 31 + number + index) & 0xff;
}

function checksum(data: Uint8Array): number {
  return crc32(data.subarray(HEADER), crc32(data.subarray(0, 12)));
}

/** Neighbours take their bytes from different places. */
function start(number: number): number {
  return Math.floor(chance(BLOCK, number) * BLOCK);
}

let random: Uint8Array | undefined;

function block(): Uint8Array {
  return random ??= Uint8Array.from(
    { length: BLOCK },
    (_, i) => chance(1, i) * 256,
  );
}

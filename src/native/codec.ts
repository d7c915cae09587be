/**
 * The records of `docs/boundary.md` as TypeScript reads and writes them, held to `tests/vectors/` like their Go half.
 *
 * @module
 */

import { byteLengthOf } from "../arguments.ts";

/** The number that the library's `p2p_abi` has to answer. */
export const ABI = 5;

/** The operations of requests. */
export const Op = {
  SETUP: 1,
  CREATE: 2,
  CLOSE: 3,
  CANCEL: 4,
  CONNECT: 5,
  DISCONNECT: 6,
  ADDRESSES: 7,
  OUTLET_OPEN: 8,
  OUTLET_CLOSE: 9,
  CREDIT: 10,
  SUBSCRIBE: 11,
  UNSUBSCRIBE: 12,
  PUBLISH: 13,
  INSPECT: 14,
  RESERVE: 15,
  ICE: 16,
} as const;

/** The kinds of drained records. */
export const Kind = {
  ANSWER: 1,
  EVENT: 2,
  MESSAGE: 3,
  CHANNEL: 4,
  ROOM: 5,
} as const;

const REQUEST_HEADER = 16;
/** What most requests fit into. */
const SMALL_RECORD = 4096;
const RECORD_HEADER = 24;
const DETACHED = 1;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Writes request records, one at a time. The call that takes a record copies it, so that all but large ones are written into
 * the same memory: an `ArrayBuffer` costs more than all the rest.
 */
export class RequestWriter {
  /** The record that was written last, from its beginning on. */
  record!: Uint8Array;
  /** How long it is. */
  length = 0;

  readonly #small = new Uint8Array(SMALL_RECORD);
  readonly #words = new Uint32Array(this.#small.buffer);

  /** Writes a record. */
  write(
    op: number,
    id: number,
    handle: number,
    body: Uint8Array = NOTHING,
  ): this {
    const words = this.#words;
    words[0] = op;
    words[1] = id;
    words[2] = handle;
    words[3] = body.length;
    this.record = this.#small;
    this.length = REQUEST_HEADER + body.length;
    if (this.length > SMALL_RECORD) {
      this.record = new Uint8Array(this.length);
      this.record.set(this.#small.subarray(0, REQUEST_HEADER));
    }
    this.record.set(body, REQUEST_HEADER);
    return this;
  }

  /** Writes a `CREDIT` record. */
  writeCredit(inlet: number, cost: number): this {
    const words = this.#words;
    words[0] = Op.CREDIT;
    words[1] = 0;
    words[2] = inlet;
    words[3] = 4;
    words[4] = cost;
    this.record = this.#small;
    this.length = REQUEST_HEADER + 4;
    return this;
  }
}

/** A JSON body. */
export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** The body of `PUBLISH`. */
export function encodePublish(topic: string, payload: Uint8Array): Uint8Array {
  const name = encoder.encode(topic);
  const body = new Uint8Array(4 + name.length + byteLengthOf(payload));
  new DataView(body.buffer).setUint32(0, name.length, true);
  body.set(name, 4);
  body.set(payload, 4 + name.length);
  return body;
}

/** Reads a JSON body; an empty one is `undefined`. */
export function decodeJson(body: Uint8Array): unknown {
  return body.length === 0 ? undefined : JSON.parse(decoder.decode(body));
}

/** Reads a text body. */
export function decodeText(body: Uint8Array): string {
  return decoder.decode(body);
}

/**
 * Goes through the records of one drain. Its fields are those of the record that `next` found: one reader serves all, so
 * that a record costs no object.
 */
export class RecordReader {
  kind = 0;
  /** Whether the body is to be fetched by `p2p_take` and this record is the last. */
  detached = false;
  slot = 0;
  /** The length of the body. */
  length = 0;
  a = 0;
  b = 0;
  time = 0;
  /** Where the body begins in the buffer. */
  start = 0;

  /** The same bytes as numbers of each size; every record begins at a multiple of 8. */
  #buffer?: Uint8Array;
  #words!: Uint32Array;
  #times!: Float64Array;
  #next = 0;
  #end = 0;

  /** Begins with what a drain put at the start of a buffer, which lies at a multiple of 8. */
  begin(buffer: Uint8Array, length: number): void {
    if (this.#buffer !== buffer) {
      const { buffer: memory, byteOffset, length } = buffer;
      this.#buffer = buffer;
      this.#words = new Uint32Array(memory, byteOffset, length >> 2);
      this.#times = new Float64Array(memory, byteOffset, length >> 3);
    }
    this.#next = 0;
    this.#end = length;
  }

  /** Goes to the next record; false when there is none. */
  next(): boolean {
    const at = this.#next;
    if (at >= this.#end) return false;
    const words = this.#words;
    const word = at >> 2;
    const first = words[word];
    this.kind = first & 0xff;
    this.detached = (first >> 8 & DETACHED) !== 0;
    this.slot = first >>> 16;
    this.length = words[word + 1];
    this.a = words[word + 2];
    this.b = words[word + 3];
    this.time = this.#times[(at >> 3) + 2];
    this.start = at + RECORD_HEADER;
    const body = this.detached ? 0 : (this.length + 7) & ~7;
    this.#next = this.start + body;
    return true;
  }
}

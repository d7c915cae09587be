/**
 * How much memory a message may become: a few bytes can announce gigabytes, and many be nothing but empty lists.
 *
 * @module
 */

import { P2PError } from "../errors.ts";

/** The tensors of a message may become so many times its size. Gzip reaches 1,032, but only where a tensor says nothing. */
const FACTOR = 64;
/** Those of a small message this much: a picture of 1920 x 1080 dots as float32, all of them black, takes 25 MB. */
const LEAST = 32 << 20;
const MOST = 256 << 20;

/** What the samples, statistics, lists, objects and dimensions of a message may take in memory. */
const MAX_OBJECT_BYTES = 256 << 20;
/** What one of them takes at least; a dimension is a number. */
const OBJECT_BYTES = 64;
const NUMBER_BYTES = 8;

/** What is left of the memory that one message may take. Taken before it is used. */
export class Budget {
  readonly #limit: number;
  #unpacked = 0;
  #objects = 0;

  /** `limit` is for tensors. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The limit for the tensors of a message of so many bytes, if the program does not say. */
  static limitFor(length: number): number {
    return Math.min(MOST, Math.max(LEAST, FACTOR * length));
  }

  /** A tensor. */
  unpack(bytes: number): void {
    this.#unpacked += bytes;
    if (this.#unpacked <= this.#limit) return;
    throw tooMuch(
      `its tensors take more than ${this.#limit} bytes (maxDecompressedSize)`,
    );
  }

  /** Samples, statistics, lists, objects, or entries of one. */
  objects(count: number): void {
    this.#take(count * OBJECT_BYTES);
  }

  /** A dimension of a tensor. */
  dimension(): void {
    this.#take(NUMBER_BYTES);
  }

  #take(bytes: number): void {
    this.#objects += bytes;
    if (this.#objects <= MAX_OBJECT_BYTES) return;
    throw tooMuch(`it holds more than fits into ${MAX_OBJECT_BYTES} bytes`);
  }
}

function tooMuch(what: string): P2PError {
  return new P2PError("LIMIT", `the message is not read: ${what}`, {
    operation: "decodeMessage",
  });
}

/**
 * Messages that nobody should send: what is known to cost a reader more than its bytes are worth, and the vectors of the Python
 * package, both with random damage. The same seed makes the same messages.
 */
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { Writer } from "../../src/messages/wire.ts";
import { randomFrom } from "./messages.ts";

/** One message, and what it tries. */
export interface Hostile {
  kind: string;
  bytes: Uint8Array<ArrayBuffer>;
}

const VECTORS: Uint8Array[] = JSON.parse(
  readFileSync(new URL("../vectors/messages.json", import.meta.url), "utf8"),
).map(({ bytes }: { bytes: string }) => Buffer.from(bytes, "base64"));

/** Pieces of JSON, of which a text can be full. */
const WORDS = [
  ...['\\"', '"', '"\\\\', "\\", "NaN", "-Infinity", "Infinity", "nul", "-"],
  ...["[", "]", "{", "}", "[],", "{},", '{"":', '"":', '"__proto__":0,', ","],
  ...["0", "0,", "1e", ".", '"65536",', '"\\u0036",', " ", "\n", "\0", "é"],
];
/** Fields that are as small as they can be, one after the other. */
const FIELDS = [
  ...[[0x0a, 0], [0x12, 0], [0x1a, 0], [0x22, 0], [0x2a, 0], [0x32, 0]],
  ...[[0x3a, 0], [0x42, 0], [0x08, 1], [0x18, 1], [0x7d, 0, 0, 0, 0]],
  ...[[0x0a, 2, 0x0a, 0], [0x0a, 2, 0x32, 0], [0xff], [0x1a, 1, 1]],
];
/** Where such fields can lie: the numbers of the messages around them. */
const PLACES = [
  ...[[], [6], [6, 1], [6, 1, 2], [6, 1, 2, 1], [6, 1, 2, 1, 1]],
  ...[[6, 1, 2, 1, 1, 3], [8], [8, 1], [8, 1, 4], [8, 1, 4, 5]],
  ...[[8, 1, 4, 5, 1], [8, 1, 4, 6], [8, 1, 4, 6, 1]],
];
const DTYPES = [
  ...["uint8", "float32", "complex128", "bool", "what", ""],
  ...["constructor", "toString", "__proto__", "hasOwnProperty"],
];
const encoder = new TextEncoder();

/** A tensor, of which every part can be wrong. */
export function forgedTensor(
  packed: Uint8Array,
  dtype: string,
  shape: number[],
): Uint8Array<ArrayBuffer> {
  const tensor = new Writer().bytes(1, packed).text(2, dtype).ints(3, shape);
  return within([6, 1, 2, 1, 1], tensor.finish());
}

/** Bytes as a message that lies in others, by the numbers of their fields. */
export function within(
  place: readonly number[],
  bytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return place.reduceRight(
    (inner, field) => new Writer().always(field, inner).finish(),
    new Uint8Array(bytes),
  );
}

/** Strings that V8 gives the same hash, as long as there are such: it takes them for numbers, and does not keep that hash secret. */
export function numerals(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => String((i % 65536) * 65536 + Math.floor(i / 65536)),
  );
}

/** Makes hostile messages of about one size. */
export class HostileMessages {
  readonly #random: () => number;
  readonly #size: number;
  readonly #bombs: Uint8Array[];

  constructor(seed: number, size: number) {
    this.#random = randomFrom(seed);
    this.#size = size;
    this.#bombs = [1, 32, 64 * size].map((length) =>
      gzipSync(new Uint8Array(length))
    );
  }

  /** The next one. */
  next(): Hostile {
    const [kind, make] = this.#choice(
      [
        ["json", () => within([7], this.#json())],
        ["fields", () => this.#fields()],
        ["numerals", () => this.#numerals()],
        ["tensor", () => this.#tensor()],
        ["tensors", () => this.#tensors()],
        ["vector", () => this.#fill(this.#choice(VECTORS))],
      ] as const,
    );
    return { kind, bytes: this.#damage(make()) };
  }

  #json(): Uint8Array {
    const some = Array.from(
      { length: 1 + this.#below(3) },
      () => this.#choice(WORDS),
    );
    const [start, end] = this.#choice([
      ["", ""],
      ["[", "0]"],
      ["[NaN,", "0]"],
      ['{"a":[', "0]}"],
      ['["', '"]'],
    ]);
    const middle = this.#fill(encoder.encode(some.join("")));
    return Buffer.concat([encoder.encode(start), middle, encoder.encode(end)]);
  }

  #fields(): Uint8Array<ArrayBuffer> {
    const field = Uint8Array.from(this.#choice(FIELDS));
    return within(this.#choice(PLACES), this.#fill(field));
  }

  #numerals(): Uint8Array<ArrayBuffer> {
    const names = numerals(this.#size / 16);
    const place = this.#choice([[7], [6], [8, 1, 4, 5]]);
    if (place[0] === 7) {
      const write = this.#choice([
        (text: string) => `"${text}"`,
        (text: string) => `"${text}":NaN`,
      ]);
      const items = names.map(write).join();
      const whole = items.endsWith("N") ? `{${items}}` : `[${items}]`;
      return within(place, encoder.encode(whole));
    }
    const entries = new Writer();
    for (const name of names) {
      entries.always(1, new Writer().text(1, name).finish());
    }
    return within(place, entries.finish());
  }

  #tensor(): Uint8Array<ArrayBuffer> {
    const noise = this.#noise(this.#size);
    const packed = this.#choice([
      ...this.#bombs,
      ...[noise, gzipSync(noise, { level: 1 })],
      this.#fill(this.#bombs[0]),
    ]);
    const shape = this.#choice([
      ...[[], [32], [this.#size], [64 * this.#size], [2 ** 31 - 1, 4, 0]],
      Array<number>(this.#below(this.#size / 2)).fill(this.#below(2)),
    ]);
    return forgedTensor(packed, this.#choice(DTYPES), shape);
  }

  #tensors(): Uint8Array<ArrayBuffer> {
    const [packed] = this.#bombs;
    const tensor = new Writer().bytes(1, packed).text(2, "uint8").finish();
    const sample = within([1, 1], tensor);
    const samples = new Writer();
    for (let i = 0; i < this.#size / (sample.length + 8); i++) {
      const name = new Writer().text(1, i.toString(36)).always(2, sample);
      samples.always(1, name.finish());
    }
    return within([6], samples.finish());
  }

  /** Bytes, over and over. */
  #fill(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const count = Math.ceil(this.#size / bytes.length);
    const filled = new Uint8Array(count * bytes.length);
    filled.set(bytes);
    for (let at = bytes.length; at < filled.length; at *= 2) {
      filled.copyWithin(at, 0, Math.min(at, filled.length - at));
    }
    return filled;
  }

  /** None, or some: changed bits and bytes, a part that was moved, an end that is missing. */
  #damage(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    for (let times = this.#choice([0, 0, 1, 2, 16]); times > 0; times--) {
      const at = this.#below(bytes.length);
      switch (this.#below(8)) {
        case 0:
          return bytes.slice(0, at);
        case 1:
          bytes.copyWithin(at, this.#below(bytes.length), bytes.length - at);
          break;
        case 2:
          bytes[at] = this.#below(256);
          break;
        default:
          bytes[at] ^= 1 << this.#below(8);
      }
    }
    return bytes;
  }

  #noise(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#below(256));
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #choice<T>(items: readonly T[]): T {
    return items[this.#below(items.length)];
  }
}

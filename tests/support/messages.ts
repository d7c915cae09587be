/**
 * Messages in the form in which `tests/vectors/messages.py` describes them, and random ones.
 */
import { Buffer } from "node:buffer";
import {
  type Content,
  CONTENT_TYPES,
  type DecodedMessage,
  type MessageInit,
  type Sample,
  type SampleData,
  type StatValue,
  tensor,
} from "../../src/messages/mod.ts";

// deno-lint-ignore no-explicit-any
type Description = any;

function toBase64(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength)
    .toString("base64");
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** JSON without the words that JSON does not have. */
function toPlain(value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    const word = { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" };
    return { float: word[String(value) as keyof typeof word] };
  }
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, toPlain(item)]),
  );
}

function fromPlain(value: Description): unknown {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value !== "object" || value === null) return value;
  const word = { nan: NaN, inf: Infinity, "-inf": -Infinity }[
    value.float as string
  ];
  if (word !== undefined) return word;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fromPlain(item)]),
  );
}

function describeSample({ data, tag, uuid }: Sample): Description {
  const rest = { tag: tag ?? -1, uuid: uuid ?? null };
  switch (data?.kind) {
    case "tensor": {
      const { dtype, shape } = data;
      return {
        ...rest,
        kind: data.kind,
        dtype,
        shape,
        data: toBase64(data.data),
      };
    }
    case "image":
      return { ...rest, kind: data.kind, bytes: toBase64(data.bytes) };
    case "text":
      return { ...rest, kind: data.kind, text: data.text };
    case "file": {
      const { kind, filename, mimeType } = data;
      const content = toBase64(data.content);
      return { ...rest, kind, content, filename, mimeType };
    }
  }
  return rest;
}

/** Describes a message as Python does. */
export function describe(message: DecodedMessage): Description {
  const { sender, contentType, channel, piggyback, timestamp, content } =
    message;
  let described: Description = { kind: content.kind };
  if (content.kind === "json") {
    described = { kind: "json", value: toPlain(content.value) };
  } else if (content.kind === "samples") {
    const samples = Object.entries(content.samples)
      .map(([name, sample]) => [name, describeSample(sample)]);
    described = { kind: "samples", samples: Object.fromEntries(samples) };
  } else if (content.kind === "stats") {
    described = {
      kind: "stats",
      updates: content.updates.map((update) => ({
        ...update,
        value: toPlain(update.value),
      })),
    };
  }
  return {
    sender,
    contentType,
    channel,
    piggyback,
    timestamp,
    content: described,
  };
}

function readSample(sample: Description): Sample {
  const { tag, uuid, kind } = sample;
  let data: SampleData;
  if (kind === "tensor") {
    const arrays: Record<string, new (buffer: ArrayBuffer) => Float32Array> = {
      float32: Float32Array,
    };
    const raw = fromBase64(sample.data);
    const made = arrays[sample.dtype]
      ? new arrays[sample.dtype](raw.buffer)
      : raw;
    data = tensor(made, sample.shape, sample.dtype);
  } else if (kind === "image") {
    data = { kind, bytes: fromBase64(sample.bytes) };
  } else if (kind === "text") {
    data = { kind, text: sample.text };
  } else {
    const { filename, mimeType } = sample;
    data = { kind, content: fromBase64(sample.content), filename, mimeType };
  }
  return uuid === null ? { data, tag } : { data, tag, uuid };
}

/** The message that was described. */
export function read(described: Description): MessageInit {
  const { content } = described;
  let read: Content = content;
  if (content.kind === "json") {
    read = { kind: "json", value: fromPlain(content.value) };
  } else if (content.kind === "samples") {
    const samples = Object.entries(content.samples)
      .map(([name, sample]) => [name, readSample(sample)]);
    read = { kind: "samples", samples: Object.fromEntries(samples) };
  } else if (content.kind === "stats") {
    const updates = content.updates.map((update: Description) => ({
      ...update,
      value: fromPlain(update.value),
    }));
    read = { kind: "stats", updates };
  }
  return { ...described, content: read };
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ALPHABET = [...'abc XYZ"\\/\n\t\x00\x1f\x7fäß€漢😀\u2028'];
const NUMBERS = [0, 1, -1, 0.1, 1.5e300, 5e-324, 1e-5, 1.25e-7, 1e16, 1e22];
/** A picture of one dot. */
const PNG = fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC",
);

/** Makes random messages of every kind. */
export class RandomMessages {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }

  /** The next one. */
  next(): MessageInit {
    const contentType = this.#choice([
      ...CONTENT_TYPES,
      ...Array<"stream_sample">(5).fill("stream_sample"),
      ...Array<"stats_update">(5).fill("stats_update"),
    ]);
    return {
      sender: this.#text(),
      contentType,
      channel: this.#text(),
      piggyback: this.#text(),
      timestamp: "2026-11-24 09:30:00.125000",
      content: this.#content(contentType),
    };
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #choice<T>(items: readonly T[]): T {
    return items[this.#below(items.length)];
  }

  #list<T>(longest: number, make: () => T): T[] {
    return Array.from({ length: this.#below(longest) }, make);
  }

  #text(longest = 12): string {
    return this.#list(longest, () => this.#choice(ALPHABET)).join("");
  }

  #bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.#below(256));
  }

  #content(contentType: string): Content {
    if (contentType === "stream_sample") {
      const samples = this.#list(
        3,
        () => [this.#text(), this.#sample()] as const,
      );
      const kind = samples.length > 0 ? "samples" : "empty";
      return { kind, samples: Object.fromEntries(samples) } as Content;
    }
    if (contentType === "stats_update") {
      const updates = this.#list(3, () => ({
        groupKey: this.#text(),
        statName: this.#text(),
        timestamp: this.#below(2 ** 52) - 2 ** 51,
        value: this.#json(1, false) as StatValue,
      }));
      const kind = updates.length > 0 ? "stats" : "empty";
      return { kind, updates } as Content;
    }
    return { kind: "json", value: this.#json(0, true) };
  }

  #sample(): Sample {
    const tag = this.#choice([0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]);
    const uuid = this.#choice([undefined, "", "an id"]);
    return { data: this.#data(), tag, ...(uuid === undefined ? {} : { uuid }) };
  }

  #data(): SampleData {
    switch (this.#below(4)) {
      case 0: {
        const shape = this.#list(4, () => this.#below(4));
        const count = shape.reduce((product, length) => product * length, 1);
        const [bytes, type] = this.#choice(
          [
            [4, Float32Array],
            [8, BigInt64Array],
            [1, Int8Array],
            [2, Uint16Array],
          ] as const,
        );
        const data = new type(this.#bytes(bytes * count).buffer);
        return tensor(data, shape);
      }
      case 1:
        return { kind: "image", bytes: PNG };
      case 2:
        return { kind: "text", text: this.#text(100) };
      default:
        return {
          kind: "file",
          content: this.#bytes(this.#below(50)),
          filename: `${this.#text()}.txt`,
          mimeType: "text/plain",
        };
    }
  }

  #json(depth: number, special: boolean): unknown {
    switch (this.#below(depth < 3 ? 8 : 5)) {
      case 0:
        return null;
      case 1:
        return this.#random() < 0.5;
      case 2:
        return this.#text();
      case 3:
        return special ? this.#choice([NaN, Infinity, -Infinity, -0]) : 0;
      case 4:
        return this.#choice([...NUMBERS, this.#random() * 1e6]);
      case 5:
        return this.#list(4, () => this.#json(depth + 1, special));
      default:
        return Object.fromEntries(
          this.#list(
            4,
            () => [this.#text(), this.#json(depth + 1, special)] as const,
          ),
        );
    }
  }
}

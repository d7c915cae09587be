// The messages of this network: vectors of the Python package, and what nobody should send.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { P2PError } from "../../src/errors.ts";
import {
  CONTENT_TYPES,
  decodeMessage,
  encodeMessage,
  formatTimestamp,
  type MessageInit,
  parseTimestamp,
  tensor,
} from "../../src/messages/mod.ts";
import { Writer } from "../../src/messages/wire.ts";
import { describe, RandomMessages, read } from "../support/messages.ts";

interface Vector {
  name: string;
  /** Whether Python leaves nothing open, so that the bytes have to be the same. */
  exact: boolean;
  bytes: string;
  message: Record<string, unknown>;
}

const vectors: Vector[] = JSON.parse(
  readFileSync(new URL("../vectors/messages.json", import.meta.url), "utf8"),
);

for (const { name, exact, bytes, message } of vectors) {
  test(`a message as Python has it: ${name}`, () => {
    const theirs = new Uint8Array(Buffer.from(bytes, "base64"));
    assertEquals(describe(decodeMessage(theirs)), message);
    const ours = encodeMessage(read(message));
    assertEquals(describe(decodeMessage(ours)), message);
    if (exact) assertEquals(Buffer.from(ours).toString("base64"), bytes);
  });
}

test("a message comes out as it went in, whatever is in it", () => {
  const random = new RandomMessages(7);
  for (let i = 0; i < 500; i++) {
    const message = random.next();
    const decoded = decodeMessage(encodeMessage(message));
    const expected = { ...message } as Parameters<typeof describe>[0];
    assertEquals(describe(decoded), describe(expected));
  }
});

test("a message has Python's defaults", () => {
  const before = Date.now();
  const { timestamp, ...rest } = decodeMessage(encodeMessage({ sender: "a" }));
  assertEquals(rest, {
    sender: "a",
    contentType: "misc",
    channel: "<unknown>",
    piggyback: "",
    content: { kind: "empty" },
  });
  assert(Math.abs(parseTimestamp(timestamp) - before) < 10_000);
});

test("a typed array comes back with its type, shape and numbers, in memory of its own", () => {
  const numbers = new Float32Array([1.5, -2, 3, NaN, 5, 6]);
  const encoded = encodeMessage({
    sender: "a",
    contentType: "stream_sample",
    content: {
      kind: "samples",
      samples: { x: { data: tensor(numbers, [2, 3]) } },
    },
  });
  const { content } = decodeMessage(encoded);
  encoded.fill(0);
  assert(content.kind === "samples");
  const { data, tag } = content.samples.x;
  assertEquals(data, {
    kind: "tensor",
    dtype: "float32",
    shape: [2, 3],
    data: numbers,
  });
  assertEquals(tag, -1);
});

test("a tensor that unpacks to more than is allowed is refused before it is unpacked", () => {
  const encoded = encodeMessage({
    sender: "a",
    contentType: "stream_sample",
    content: {
      kind: "samples",
      samples: {
        a: { data: tensor(new Uint8Array(600)) },
        b: { data: tensor(new Uint8Array(600)) },
      },
    },
  });
  decodeMessage(encoded, { maxDecompressedSize: 1200 });
  const error = assertThrows(
    () => decodeMessage(encoded, { maxDecompressedSize: 1199 }),
    P2PError,
    "1199",
  );
  assertEquals(error.code, "LIMIT");
});

/** A message with a tensor of which every part can be wrong. */
function forged(packed: Uint8Array, dtype: string, shape: number[]) {
  const inner = new Writer().bytes(1, packed).text(2, dtype).ints(3, shape);
  const data = new Writer().always(1, inner.finish()).finish();
  const sample = new Writer().always(1, data).finish();
  const entry = new Writer().always(1, new Uint8Array(0)).always(2, sample);
  const samples = new Writer().always(1, entry.finish()).finish();
  return new Writer().always(6, samples).finish();
}

const bomb = gzipSync(new Uint8Array(64 << 20));

for (
  const [name, code, bytes] of [
    [
      "holds more than its shape says",
      "MESSAGE_INVALID",
      forged(bomb, "uint8", [10]),
    ],
    [
      "holds less than its shape says",
      "MESSAGE_INVALID",
      forged(gzipSync(new Uint8Array(3)), "float32", [1]),
    ],
    [
      "announces more than is allowed",
      "LIMIT",
      forged(bomb, "float64", [2 ** 30, 2 ** 30]),
    ],
    ["has an unknown type and no end", "LIMIT", forged(bomb, "what", [1])],
    [
      "has a negative length",
      "MESSAGE_INVALID",
      forged(gzipSync(new Uint8Array(1)), "uint8", [-1]),
    ],
    [
      "is not gzipped",
      "MESSAGE_INVALID",
      forged(new Uint8Array(20), "uint8", [20]),
    ],
  ] as const
) {
  test(`a tensor that ${name} is refused`, () => {
    const error = assertThrows(
      () => decodeMessage(bytes, { maxDecompressedSize: 1 << 20 }),
      P2PError,
    );
    assertEquals(error.code, code);
  });
}

for (
  const [name, ...bytes] of [
    ["cut off in a length", 0x0a],
    ["cut off in a string", 0x0a, 5, 65],
    ["with a number without end", 0x08, ...Array(11).fill(0xff)],
    ["with field 0", 0x02, 0],
    ["with a group", 0x0b, 0x0c],
    ["with a string that is not UTF-8", 0x0a, 1, 0xff],
    ["with a number for a string", 0x08, 1],
    ["with broken JSON", 0x3a, 1, 0x7b],
    ["with a word that is not JSON", 0x3a, 4, ...Buffer.from("NaNa")],
  ] as [string, ...number[]][]
) {
  test(`a message ${name} is refused`, () => {
    const error = assertThrows(
      () => decodeMessage(new Uint8Array(bytes)),
      P2PError,
    );
    assertEquals([error.code, error.operation], [
      "MESSAGE_INVALID",
      "decodeMessage",
    ]);
  });
}

test("random bytes are read or refused, and nothing else", () => {
  const random = new RandomMessages(11);
  for (let i = 0; i < 2000; i++) {
    const bytes = encodeMessage(random.next());
    bytes[(i * 7) % bytes.length] ^= 1 << (i % 8);
    try {
      decodeMessage(bytes, { maxDecompressedSize: 1 << 20 });
    } catch (error) {
      assert(error instanceof P2PError, String(error));
    }
  }
});

test("a field that is not known is skipped, and of several contents the last holds", () => {
  const bytes = new Writer().text(1, "a").text(99, "later").varint(50, 7n)
    .double(51, 1).text(7, "1").text(7, "[NaN, -Infinity, 2]").finish();
  const { sender, content } = decodeMessage(bytes);
  assertEquals([sender, content], ["a", {
    kind: "json",
    value: [NaN, -Infinity, 2],
  }]);
});

test("a JSON string that looks like a number that JSON does not have stays a string", () => {
  const value = ["NaN", '"NaN" -Infinity', { NaN: NaN }, "\\"];
  const bytes = encodeMessage({
    sender: "a",
    content: { kind: "json", value },
  });
  const { content } = decodeMessage(bytes);
  assertEquals(content, { kind: "json", value });
});

for (
  const [name, error, message] of [
    ["without a sender", TypeError, {}],
    ["of an unknown content type", RangeError, { contentType: "poem" }],
    ["with an unknown field", TypeError, { sendr: "a" }],
    [
      "with samples that is no sample",
      RangeError,
      { content: { kind: "samples", samples: {} } },
    ],
    [
      "with a value that contains itself",
      TypeError,
      { content: { kind: "json", value: circular() } },
    ],
    [
      "with nothing for JSON",
      TypeError,
      { content: { kind: "json", value: undefined } },
    ],
    [
      "with a statistic of a function",
      TypeError,
      {
        contentType: "stats_update",
        content: {
          kind: "stats",
          updates: [{
            groupKey: "",
            statName: "",
            timestamp: 0,
            value: () => {},
          }],
        },
      },
    ],
  ] as const
) {
  test(`a message ${name} is not written`, () => {
    const sender = name === "without a sender" ? {} : { sender: "a" };
    assertThrows(
      () => encodeMessage({ ...sender, ...message } as MessageInit),
      error,
    );
  });
}

test("a tensor is not made of numbers that do not fill its shape", () => {
  assertThrows(() => tensor(new Float32Array(5), [2, 3]), RangeError, "24");
  assertThrows(() => tensor(new Float32Array(6), [6], "int64"), RangeError);
  assertThrows(() => tensor(new Float32Array(6), [6], "float33"), RangeError);
  assertThrows(() => tensor([1] as unknown as Uint8Array), TypeError);
});

test("times are written in UTC with microseconds, and read", () => {
  const text = "2026-11-24 09:30:00.125250";
  const time = Date.UTC(2026, 10, 24, 9, 30) + 125.25;
  assertEquals(formatTimestamp(time), text);
  assertEquals(parseTimestamp(text), time);
  assertEquals(formatTimestamp(new Date(0)), "1970-01-01 00:00:00.000000");
  assertEquals(parseTimestamp("1970-01-01 00:00:00.5"), 500);
  assertEquals(parseTimestamp("yesterday"), NaN);
});

test("the content types are Python's", () => {
  const theirs = vectors.map(({ message }) => message.contentType as string);
  assertEquals([...new Set(theirs)].sort(), [...CONTENT_TYPES].sort());
});

function circular(): unknown[] {
  const value: unknown[] = [];
  value.push(value);
  return value;
}

test("a message holds no half of a surrogate pair, which would arrive as another character", () => {
  const half = "\ud83d";
  const text = { kind: "text" as const, text: half };
  const good = { kind: "text" as const, text: "a" };
  const sample = (name: string, data: typeof text, uuid?: string) =>
    ({
      sender: "a",
      contentType: "stream_sample",
      content: { kind: "samples", samples: { [name]: { data, uuid } } },
    }) as MessageInit;
  const wrong: MessageInit[] = [
    { sender: half },
    { sender: "a", channel: `x${half}` },
    { sender: "a", piggyback: half },
    sample("x", text),
    sample(half, good),
    sample("x", good, half),
  ];
  for (const message of wrong) {
    assertThrows(() => encodeMessage(message), RangeError, "well-formed");
  }
  encodeMessage(sample("x", good, "👋"));
});

// The TypeScript half of the record table against the vectors that the Go half is held to as well.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  decodeJson,
  decodeText,
  encodeJson,
  encodePublish,
  RecordReader,
  RequestWriter,
} from "../../src/native/codec.ts";
import vectors from "../vectors/records.json" with { type: "json" };

interface Request {
  name: string;
  op: number;
  id: number;
  handle: number;
  hex: string;
  json?: unknown;
  credit?: number;
  publish?: { topic: string; payload: string };
}

const toHex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const fromHex = (hex: string) =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));

function body({ json, publish }: Request): Uint8Array | undefined {
  if (json !== undefined) return encodeJson(json);
  if (publish) return encodePublish(publish.topic, fromHex(publish.payload));
}

/** One for all, so that a record also shows what is left of the one before. */
const writer = new RequestWriter();

for (const request of vectors.requests as Request[]) {
  test(`the codec encodes the request ${request.name}`, () => {
    const { op, id, handle, credit, hex } = request;
    const { record, length } = credit === undefined
      ? writer.write(op, id, handle, body(request))
      : writer.writeCredit(handle, credit);
    assertEquals(toHex(record.subarray(0, length)), hex);
  });
}

test("the codec encodes a request of any length", () => {
  for (const length of [0, 1, 4080, 4081, 100_000, 5]) {
    const body = new Uint8Array(length).fill(7);
    const { record, length: whole } = writer.write(1, 2, 3, body);
    const words = new Uint32Array(record.buffer, 0, 4);
    assertEquals([whole, ...words], [16 + length, 1, 2, 3, length]);
    assertEquals(record.subarray(16, whole).every((byte) => byte === 7), true);
  }
});

for (const { name, hex, records } of vectors.drains) {
  test(`the codec reads the record ${name}`, () => {
    const buffer = fromHex(hex);
    const reader = new RecordReader();
    reader.begin(buffer, buffer.length);
    for (const expected of records) {
      assertEquals(reader.next(), true);
      const { kind, detached, slot, length, a, b, time, start } = reader;
      const { json, text, bytes, ...header } = expected as
        & Record<string, unknown>
        & { json?: unknown; text?: string; bytes?: string };
      assertEquals({ kind, detached, slot, length, a, b, time }, header);
      const found = buffer.subarray(start, start + length);
      if (json !== undefined) assertEquals(decodeJson(found), json);
      if (text !== undefined) assertEquals(decodeText(found), text);
      if (bytes !== undefined) assertEquals(toHex(found), bytes);
    }
    assertEquals(reader.next(), false);
  });
}

test("the codec reads an empty JSON body as undefined", () => {
  assertEquals(decodeJson(new Uint8Array(0)), undefined);
});

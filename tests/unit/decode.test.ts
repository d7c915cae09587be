// Messages that nobody should send: read in time and memory in proportion to their size, or refused with a P2PError.

import { assert, assertEquals, assertThrows } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { P2PError } from "../../src/errors.ts";
import { Budget } from "../../src/messages/budget.ts";
import {
  type Content,
  type ContentType,
  decodeMessage,
  encodeMessage,
  type StatValue,
  tensor,
} from "../../src/messages/mod.ts";
import { decodeStats } from "../../src/messages/stats.ts";
import { decodeTensor } from "../../src/messages/tensor.ts";
import { Writer } from "../../src/messages/wire.ts";
import { readAtOnce } from "../support/decode.ts";
import {
  forgedTensor,
  HostileMessages,
  numerals,
  within,
} from "../support/hostile.ts";
import { runProgram } from "../support/program.ts";

test("hostile messages are read or refused with a P2PError, whatever is in them", () => {
  const seed = Number(process.env.P2P_SEED ?? 12);
  const messages = new HostileMessages(seed, 16 << 10);
  for (let i = 0; i < 300; i++) {
    const { kind, bytes } = messages.next();
    try {
      decodeMessage(bytes);
    } catch (error) {
      const where = `message ${i} (${kind}) of P2P_SEED=${seed}`;
      assert(error instanceof P2PError, `${where}: ${error}`);
    }
  }
});

test("samples and statistics whose names have one hash in V8 are read at once", () => {
  const names = numerals(50_000);
  const entries = new Writer();
  for (const name of names) {
    entries.always(1, new Writer().text(1, name).finish());
  }
  const samples = names.map((name) => [name, { data: null, tag: 0 }]);
  assertEquals(readAtOnce(within([6], entries.finish())), {
    kind: "samples",
    samples: Object.fromEntries(samples),
  });
  const statistic = { groupKey: "", statName: "", timestamp: 0 };
  const value = Object.fromEntries(names.map((name) => [name, null]));
  assertEquals(readAtOnce(within([8, 1, 4, 5], entries.finish())), {
    kind: "stats",
    updates: [{ ...statistic, value }],
  });
});

for (const name of ["constructor", "toString", "__proto__"]) {
  test(`"${name}" is a name like any other`, () => {
    const data = tensor(new Uint8Array([1, 2]));
    const samples = Object.fromEntries([[name, { data, tag: 1 }]]);
    const value = Object.fromEntries([[name, 3]]) as StatValue;
    const statistic = { groupKey: name, statName: name, timestamp: 0, value };
    const messages: [ContentType, Content][] = [
      ["stream_sample", { kind: "samples", samples }],
      ["stats_update", { kind: "stats", updates: [statistic] }],
      ["misc", { kind: "json", value }],
      ["misc", { kind: "json", value: [NaN, value] }],
    ];
    for (const [contentType, content] of messages) {
      const given = { sender: "a", contentType, content };
      assertEquals(decodeMessage(encodeMessage(given)).content, content);
    }
  });

  test(`a tensor of the type "${name}" comes as bytes`, () => {
    const packed = gzipSync(new Uint8Array([1, 2, 3]));
    const { content } = decodeMessage(forgedTensor(packed, name, [3]));
    assert(content.kind === "samples");
    assertEquals(content.samples[""].data, {
      kind: "tensor",
      dtype: name,
      shape: [3],
      data: new Uint8Array([1, 2, 3]),
    });
    assertThrows(() => tensor(new Uint8Array(3), [3], name), RangeError);
  });
}

test("a tensor may have 130,000 dimensions", () => {
  const shape = Array<number>(130_000).fill(1);
  const packed = gzipSync(new Uint8Array([7]));
  const { content } = decodeMessage(forgedTensor(packed, "uint8", shape));
  assert(content.kind === "samples");
  const { data } = content.samples[""];
  assert(data?.kind === "tensor");
  assertEquals([data.shape.length, data.data], [
    shape.length,
    new Uint8Array([7]),
  ]);
});

test("a dimension of nothing makes a tensor empty, however large the others", () => {
  const packed = gzipSync(new Uint8Array(0));
  const shape = [...Array<number>(40).fill(2 ** 31 - 1), 0];
  const { content } = decodeMessage(forgedTensor(packed, "int64", shape));
  assert(content.kind === "samples");
  const { data } = content.samples[""];
  assert(data?.kind === "tensor");
  assertEquals(data.data, new BigInt64Array(0));
});

test("of several samples of one name the last holds, and the others are not unpacked", () => {
  const large = gzipSync(new Uint8Array(2000));
  const small = gzipSync(new Uint8Array([5]));
  const whole = new Writer();
  for (const [packed, length] of [[large, 2000], [small, 1]] as const) {
    const data = new Writer().bytes(1, packed).text(2, "uint8")
      .ints(3, [length]);
    // Of several kinds of data in one sample the last holds as well.
    const sample = new Writer().always(1, data.finish());
    whole.always(1, within([2, 1], sample.finish()));
  }
  const bytes = within([6], whole.finish());
  const { content } = decodeMessage(bytes, { maxDecompressedSize: 1 });
  assert(content.kind === "samples");
  const { data } = content.samples[""];
  assert(data?.kind === "tensor");
  assertEquals(data.data, new Uint8Array([5]));
});

test("tensors may take 64 times what their message takes, or 32 MiB, unless the program says otherwise", () => {
  for (
    const [size, dtype] of [[33 << 20, "uint8"], [33 << 20, "what"]] as const
  ) {
    const bomb = forgedTensor(gzipSync(new Uint8Array(size)), dtype, [size]);
    assert(bomb.length < 64 << 10);
    const error = assertThrows(() => decodeMessage(bomb), P2PError);
    assertEquals(error.code, "LIMIT");
    decodeMessage(bomb, { maxDecompressedSize: size });
  }
  const size = 32 << 20;
  const packed = gzipSync(new Uint8Array(size));
  decodeMessage(forgedTensor(packed, "uint8", [size]));
  assertEquals(Budget.limitFor(1 << 20), 64 << 20);
  assertEquals(Budget.limitFor(50 << 20), 256 << 20);
});

for (
  const [what, announced, packed, outcome, mostMB] of [
    ["as much as its shape says takes that in memory", 128, 128, "read", 200],
    ["more than its shape says takes no more", 1, 256, "MESSAGE_INVALID", 50],
    ["less than its shape says takes no more", 256, 1, "MESSAGE_INVALID", 50],
  ] as const
) {
  test(`a tensor that holds ${what}`, async () => {
    const args = [announced, packed].map(String);
    const ended = await runProgram("unpack.ts", { args });
    assertEquals([ended.code, ended.stderr], [0, ""]);
    const seen = JSON.parse(ended.stdout);
    assertEquals(seen.outcome, outcome);
    assert(seen.moreMB < mostMB, ended.stdout);
  });
}

for (
  const [what, place] of [
    ["statistics", []],
    ["entries of a structured statistic", [1, 4, 5]],
    ["lists in a statistic", [1, 4, 6, 1, 6]],
  ] as const
) {
  test(`${what} are counted like lists and objects`, () => {
    const budget = new Budget(0);
    budget.objects(2 ** 22 - 2);
    const several = new Writer();
    for (let i = 0; i < 3; i++) several.always(1, new Uint8Array(0));
    const batch = within(place, several.finish());
    const error = assertThrows(() => decodeStats(batch, budget), P2PError);
    assertEquals(error.code, "LIMIT");
  });
}

test("the dimensions of a tensor are counted as numbers", () => {
  const budget = new Budget(1);
  budget.objects(2 ** 22 - 1);
  const packed = gzipSync(new Uint8Array(1));
  const shaped = (dimensions: number) =>
    new Writer().bytes(1, packed).text(2, "uint8")
      .ints(3, Array(dimensions).fill(1)).finish();
  const error = assertThrows(() => decodeTensor(shaped(9), budget), P2PError);
  assertEquals(error.code, "LIMIT");
});

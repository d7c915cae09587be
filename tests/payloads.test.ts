/** What a message is sent from: memory of every kind, taken as it is at the moment of the call. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { MessageData, P2P } from "../mod.ts";
import { encodeMessage } from "../src/messages/mod.ts";
import { connect, createNode, directChannel } from "./support/node.ts";
import { once, take } from "./support/wait.ts";

/** Enough for a runtime to have compiled the call in every way that it knows. */
const HOT = 20_000;
const TEXT = [104, 101, 108, 108, 111];

/** A view of memory, five bytes behind its beginning, that holds the text. */
function filled(buffer: ArrayBufferLike): Uint8Array {
  const view = new Uint8Array(buffer, 5, TEXT.length);
  view.set(TEXT);
  return view;
}

/** Every instance answers what is not so. */
class Liar extends Uint8Array<ArrayBuffer> {
  static get [Symbol.species]() {
    return Liar;
  }
  override get length(): number {
    return 3000;
  }
  override get byteLength(): number {
    return 2000;
  }
  override get byteOffset(): number {
    return 7;
  }
  override get buffer(): ArrayBuffer {
    return new ArrayBuffer(1);
  }
  override slice(): Liar {
    return this;
  }
}

const KINDS: Record<string, () => Exclude<MessageData, string>> = {
  "a Uint8Array": () => filled(new ArrayBuffer(16)),
  "an ArrayBuffer": () => new Uint8Array(TEXT).buffer,
  "a Buffer": () => Buffer.from(TEXT),
  "a DataView": () => {
    const { buffer, byteOffset } = filled(new ArrayBuffer(16));
    return new DataView(buffer, byteOffset, TEXT.length);
  },
  "other typed arrays": () => new Int8Array(TEXT),
  "shared memory": () => filled(new SharedArrayBuffer(16)),
  "growable shared memory": () => {
    const options = { maxByteLength: 64 };
    // deno-lint-ignore no-explicit-any
    return filled(new (SharedArrayBuffer as any)(16, options));
  },
  "resizable memory": () => filled(new ArrayBuffer(16, { maxByteLength: 64 })),
  "a view that follows its memory's length": () => {
    const buffer = new ArrayBuffer(64, { maxByteLength: 64 });
    filled(buffer);
    buffer.resize(10);
    return new Uint8Array(buffer, 5);
  },
  "memory of WebAssembly": () =>
    filled(new WebAssembly.Memory({ initial: 1 }).buffer),
  "a subclass whose getters lie": () => Liar.from(TEXT),
  "an array whose length was redefined": () =>
    Object.defineProperty(new Uint8Array(TEXT), "length", { value: 3000 }),
};

/** Writes zeros over what a message was sent from. */
function overwrite(data: Exclude<MessageData, string>): void {
  const bytes = data instanceof Uint8Array
    ? data
    : new Uint8Array(data instanceof ArrayBuffer ? data : data.buffer);
  Uint8Array.prototype.fill.call(bytes, 0);
}

async function received(node: P2P): Promise<number[]> {
  const [{ data }] = await take(node, 1);
  assertEquals(data.constructor, Uint8Array);
  return [...data];
}

for (const [kind, make] of Object.entries(KINDS)) {
  test(`what is sent from ${kind} is what it held at the call`, async () => {
    await using alice = await createNode();
    await using bob = await createNode();
    await connect(alice, bob);
    const channel = directChannel(alice, bob);
    // The first waits for its stream, and nothing waits after it.
    for (const _ of ["waits", "goes at once"]) {
      const data = make();
      const sent = alice.sendMessageToPeer(channel, data);
      overwrite(data);
      await sent;
      assertEquals(await received(bob), TEXT);
    }
    const topic = `${alice.peerId}::ps:memory`;
    const joined = once(alice, "topicpeers");
    await Promise.all([
      alice.subscribeToTopic(topic),
      bob.subscribeToTopic(topic),
    ]);
    await joined;
    const data = make();
    const published = alice.broadcastMessage(topic, data);
    overwrite(data);
    await published;
    assertEquals(await received(bob), TEXT);
  });
}

test("memory of every kind is sent as it is by code that the runtime has compiled", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const made = Object.values(KINDS).map((make) => make());
  await using sender = alice.sender(directChannel(alice, bob));
  let wrong = 0;
  const received = (async () => {
    let count = 0;
    for await (const { data } of bob.messages()) {
      if (data.join() !== TEXT.join()) wrong++;
      if (++count === HOT) return;
    }
  })();
  for (let i = 0; i < HOT; i++) {
    while (!sender.send(made[i % made.length])) await sender.ready;
  }
  await received;
  assertEquals(wrong, 0);
});

test("memory of every kind is sent as it is whether a binding copies it or lends it", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  const larger = { maxByteLength: 1 << 20 };
  const memory: ((bytes: number) => ArrayBufferLike)[] = [
    (bytes) => new ArrayBuffer(bytes),
    (bytes) => new ArrayBuffer(bytes, larger),
    (bytes) => new SharedArrayBuffer(bytes),
    // deno-lint-ignore no-explicit-any
    (bytes) => new (SharedArrayBuffer as any)(bytes, larger),
    () => new WebAssembly.Memory({ initial: 2 }).buffer,
  ];
  // In Node.js up to 4 KiB are copied.
  for (const length of [4095, 4096, 4097, 70_000]) {
    const views = memory.map((make) =>
      new Uint8Array(make(length + 5), 5, length)
    );
    views.push(new Liar(new ArrayBuffer(length)));
    for (const [kind, view] of views.entries()) {
      for (let i = 0; i < length; i++) view[i] = i * 7 + kind;
      const wanted = new Uint8Array(view);
      const sent = alice.sendMessageToPeer(channel, view);
      overwrite(view);
      await sent;
      const [{ data }] = await take(bob, 1);
      assert(Buffer.compare(data, wanted) === 0, `${kind}, ${length} bytes`);
    }
  }
});

test("memory that is gone is refused by name", async () => {
  await using alice = await createNode();
  const transferred = (data: MessageData) => {
    const buffer = ArrayBuffer.isView(data) ? data.buffer : data;
    structuredClone(null, { transfer: [buffer as ArrayBuffer] });
    return data;
  };
  const shrunk = (make: (buffer: ArrayBuffer) => MessageData) => {
    const buffer = new ArrayBuffer(16, { maxByteLength: 64 });
    const view = make(buffer);
    buffer.resize(4);
    return view;
  };
  const gone = [
    transferred(new Uint8Array(TEXT)),
    transferred(new Uint8Array(TEXT).buffer),
    transferred(new DataView(new ArrayBuffer(8))),
    transferred(new Float32Array(4)),
    transferred(Buffer.from(new ArrayBuffer(8))),
    shrunk((buffer) => new Uint8Array(buffer, 8)),
    shrunk((buffer) => new Uint8Array(buffer, 8, 4)),
    shrunk((buffer) => new Float32Array(buffer, 8, 1)),
    shrunk((buffer) => new DataView(buffer, 8)),
  ];
  const channel =
    `${alice.peerId}::dm:12D3KooWEyopopk3YZ5UoyGzMGnwhKd1AJBwNmpAAnGAAX6rvJmo-y`;
  const sender = alice.sender(channel);
  const message = "data must not be detached";
  for (const data of gone) {
    const calls = [
      () => alice.sendMessageToPeer(channel, data),
      () => alice.broadcastMessage("x::ps:y", data),
    ];
    for (const call of calls) await assertRejects(call, TypeError, message);
    assertThrows(() => sender.send(data), TypeError, message);
  }
  const content = transferred(new Uint8Array(TEXT)) as Uint8Array;
  const file = { kind: "file" as const, filename: "a", mimeType: "b" };
  const samples = { one: { data: { ...file, content } } };
  assertThrows(
    () =>
      encodeMessage({
        sender: "a",
        channel: "b",
        contentType: "stream_sample",
        content: { kind: "samples", samples },
      }),
    TypeError,
    "must not be detached",
  );
});

test("what only looks like bytes is refused by name", async () => {
  await using alice = await createNode();
  const channel =
    `${alice.peerId}::dm:12D3KooWEyopopk3YZ5UoyGzMGnwhKd1AJBwNmpAAnGAAX6rvJmo-y`;
  const wrong = [
    Object.create(Uint8Array.prototype),
    new Proxy(new Uint8Array(TEXT), {}),
    new SharedArrayBuffer(8),
  ];
  for (const data of wrong) {
    await assertRejects(
      () => alice.sendMessageToPeer(channel, data),
      TypeError,
      "data must be a text, a Uint8Array, an ArrayBuffer or a view of one",
    );
  }
});

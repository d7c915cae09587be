// Memory that several messages share: whoever did not ask for it gets its own.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { P2P } from "../../src/p2p.ts";
import { type FakeBinding, withFake } from "./fake_binding.ts";

const inlet = { type: "inlet", inlet: 9, peer: "bob", transport: "quic" };

/** Calls `fn` with a node whose payloads are shared, because another reader wants them so. */
function whileShared(
  fn: (node: P2P, put: (byte: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  return withFake(async (fake: FakeBinding) => {
    const node = await P2P.create({ identityDir: "./alice" });
    fake.event(1, inlet);
    const sharing = node.messages({ shared: true, channel: "other" });
    const put = async (byte: number) => {
      fake.message(9, "a", new Uint8Array([byte]));
      await node.subscribeToTopic("comes::ps:after");
    };
    await fn(node, put);
    await sharing.return();
    await node.close();
  });
}

/** Takes a message's memory away, as a program does that hands it to a worker. */
function transfer({ data }: { data: Uint8Array }): number[] {
  assertEquals(data.buffer.byteLength, data.length);
  const copy = [...data];
  structuredClone(null, { transfer: [data.buffer as ArrayBuffer] });
  return copy;
}

test("a reader that was waiting gets memory of its own, though another shares", () =>
  whileShared(async (node, put) => {
    const messages = node.messages();
    const [first, second] = [messages.next(), messages.next()];
    await put(1);
    await put(2);
    assertEquals(transfer((await first).value!), [1]);
    assertEquals(transfer((await second).value!), [2]);
  }));

test("a reader that takes what waits gets memory of its own, though another shares", () =>
  whileShared(async (node, put) => {
    await put(1);
    await put(2);
    const messages = node.messages();
    assertEquals(transfer(messages.take()!), [1]);
    assertEquals(transfer((await messages.next()).value!), [2]);
  }));

test("popMessages gives memory of its own, though a reader shares", () =>
  whileShared(async (node, put) => {
    await put(1);
    await put(2);
    for (const byte of [1, 2]) {
      assertEquals(node.popMessages().map(transfer), [[byte]]);
    }
  }));

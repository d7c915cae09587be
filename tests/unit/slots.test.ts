// The numbers that stand for channels: there are 4,096, and whoever has lost one must not go on using it.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { SlotTable } from "../../src/native/slots.ts";
import { P2P } from "../../src/p2p.ts";
import { type FakeBinding, withFake } from "./fake_binding.ts";

const SLOTS = 4096;
const options = { identityDir: "./alice" };
const data = new Uint8Array([1]);

/** The channels of what was sent to an outlet last. */
function channelsOf(fake: FakeBinding, outlet: number, count: number) {
  return fake.outlets.get(outlet)!.frames.slice(-count)
    .map(({ channel }) => channel);
}

test("a slot that is given anew is no longer the earlier channel's", () => {
  const names: string[] = [];
  const table = new SlotTable((index, name) => {
    names[index] = new TextDecoder().decode(name);
  });
  const take = (name: string) => table.take(new TextEncoder().encode(name));
  const slots = Array.from({ length: SLOTS }, (_, i) => take(`${i}`));
  assertEquals(
    slots.map(({ index }) => names[index]),
    slots.map((_, i) => `${i}`),
  );
  const later = take("later");
  assertEquals([later.index, names[later.index]], [0, "later"]);
  assertEquals([slots[0].index, slots[1].index], [-1, 1]);
  assertEquals(names.length, SLOTS);
});

test("a sender whose slot was given to another channel sends under its own name again", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    const own = "self1::dm:bob-own";
    const sender = node.sender(own);
    await sender.whenReady();
    assertEquals(sender.send(data), true);
    for (let i = 0; i < SLOTS; i++) {
      await node.sendMessageToPeer(`self1::dm:bob-${i}`, data);
    }
    assertEquals(sender.send(data), true);
    await node.sendMessageToPeer("self1::dm:bob-0", data);
    assertEquals(channelsOf(fake, 1, 2), [own, "self1::dm:bob-0"]);
    await node.close();
  }));

test("a node whose slots another node has taken sends under its own names again", () =>
  withFake(async (fake) => {
    const [one, other] = [await P2P.create(options), await P2P.create(options)];
    const own = `${one.peerId}::dm:bob-own`;
    await one.sendMessageToPeer(own, data);
    for (let i = 0; i < SLOTS; i++) {
      await other.sendMessageToPeer(`${other.peerId}::dm:carol-${i}`, data);
    }
    await one.sendMessageToPeer(own, data);
    assertEquals(channelsOf(fake, 1, 2), [own, own]);
    await one.close();
    await other.close();
  }));

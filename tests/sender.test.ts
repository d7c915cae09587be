/** Senders and shared payloads: sending and receiving without a promise or a buffer a message. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { P2PError } from "../mod.ts";
import { withCircuit } from "./support/circuit.ts";
import { connect, createNode, directChannel } from "./support/node.ts";
import { bytes, decode, encode, take, until } from "./support/wait.ts";

const MIB = 1 << 20;

test("a sender sends as much as there is room for, and waits for more without losing or reordering any", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const count = 20_000;
  const sending = (async () => {
    await using sender = alice.sender(directChannel(alice, bob));
    const data = new Uint8Array(1000);
    let refused = 0;
    for (let i = 0; i < count; i++) {
      new DataView(data.buffer).setUint32(0, i);
      while (!sender.send(data)) {
        refused++;
        await sender.ready;
      }
    }
    return refused;
  })();
  const messages = await take(bob, count);
  assert(await sending > 1, "the window was never full");
  for (const [index, { data }] of messages.entries()) {
    assertEquals(new DataView(data.buffer).getUint32(0), index);
  }
});

test("a sender and sendMessageToPeer keep the order of the calls", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  const sender = alice.sender(channel);
  assertEquals(sender.channel, channel);
  await sender.ready;
  for (const text of ["1", "3", "5"]) {
    assert(sender.send(encode(text)));
    await alice.sendMessageToPeer(channel, encode(`${Number(text) + 1}`));
  }
  const texts = (await take(bob, 6)).map(({ data }) => decode(data));
  assertEquals(texts, ["1", "2", "3", "4", "5", "6"]);
  await sender.close();
  assertThrows(() => sender.send(encode("7")), P2PError, "closed");
  await assertRejects(() => sender.ready, P2PError, "closed");
  await alice.sendMessageToPeer(channel, encode("7"));
  assertEquals(decode((await take(bob, 1))[0].data), "7");
});

test("a sender closes when all that it accepted was written", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const sender = alice.sender(directChannel(alice, bob));
  await sender.ready;
  for (let i = 0; i < 12; i++) {
    while (!sender.send(bytes(MIB, i))) await sender.ready;
    if (i === 2) await take(bob, 3);
    if (i === 5) break;
  }
  const closing = sender.close();
  assertEquals((await take(bob, 3)).map(({ data }) => data.length), [
    MIB,
    MIB,
    MIB,
  ]);
  await closing;
});

test("best-effort sends to a connected peer open the stream by themselves", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await using sender = alice.sender(directChannel(alice, bob));
  await until(() => sender.send(encode("now")), "one is accepted");
  assertEquals(decode((await take(bob, 1))[0].data), "now");
});

test("a sender says that its peer cannot be reached", async () => {
  await using alice = await createNode();
  const bob = await createNode();
  const { addresses } = bob;
  const channel = directChannel(alice, bob);
  await bob.close();
  await assertRejects(() => alice.connectTo(addresses));
  const sender = alice.sender(channel);
  assertEquals(sender.send(encode("x")), false);
  const error = await assertRejects(() => sender.ready, P2PError);
  assert(["DIAL_FAILED", "PEER_UNKNOWN"].includes((error as P2PError).code));
  await sender.close();
});

test("a sender refuses wrong arguments, and a node that is closed", async () => {
  const alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  assertThrows(() => alice.sender("somewhere"), RangeError);
  assertThrows(() => alice.sender(directChannel(bob, alice)), RangeError);
  const sender = alice.sender(directChannel(alice, bob));
  await sender.ready;
  assertThrows(() => sender.send(new Uint8Array(0)), RangeError, "empty");
  assertThrows(() => sender.send(7 as unknown as Uint8Array), TypeError);
  const tooLong = new Uint8Array(50 * MIB);
  assertThrows(() => sender.send(tooLong), RangeError, "maxMessageSize");
  await alice.close();
  assertThrows(() => sender.send(encode("x")), P2PError, "closed");
  await assertRejects(() => sender.ready, P2PError, "closed");
  assertThrows(() => alice.sender(directChannel(alice, bob)), P2PError);
});

test("a sender over a limited relay tells what the relay would not let through", () =>
  withCircuit({}, {}, async ({ alice, bob, through }) => {
    await alice.connectTo(through);
    const sender = alice.sender(directChannel(alice, bob));
    let accepted = 0, refused = 0;
    for (let i = 0; i < 10; i++) {
      await sender.ready;
      assert(sender.send(bytes(16 << 10, i)));
      try {
        await sender.ready;
        accepted++;
      } catch (error) {
        assertEquals((error as P2PError).code, "RELAY_LIMIT");
        refused++;
      }
    }
    assert(accepted >= 5 && refused >= 3, `${accepted} and ${refused}`);
    await take(bob, accepted);
    await sender.close();
  }));

test("shared payloads stay as they are for as long as they are kept, and others have buffers of their own", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const count = 4_000;
  const channel = directChannel(alice, bob);
  const sending = (async () => {
    for (let i = 0; i < 2 * count; i++) {
      await alice.sendMessageToPeer(channel, bytes(100 + i % 400, i));
    }
  })();
  const kept: Uint8Array[] = [];
  for await (const { data } of bob.messages({ shared: true })) {
    if (kept.push(data) === count) break;
  }
  assert(kept.some(({ length, buffer }) => length < buffer.byteLength));
  const owned = await take(bob, count);
  await sending;
  for (const [index, data] of kept.entries()) {
    assertEquals(data, bytes(100 + index % 400, index));
  }
  for (const [index, { data }] of owned.entries()) {
    assertEquals(data, bytes(100 + index % 400, count + index));
    assertEquals(data.length, data.buffer.byteLength);
  }
});

test("payloads that came while shared ones were taken are the program's own when it takes them otherwise", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  const messages = bob.messages({ shared: true });
  const first = messages.next();
  for (const text of ["1", "2", "3"]) {
    await alice.sendMessageToPeer(channel, encode(text));
  }
  assertEquals(decode((await first).value!.data), "1");
  const [second] = await take(bob, 1);
  assertEquals(second.data.buffer.byteLength, 1);
  let [third] = bob.popMessages();
  if (third === undefined) [third] = await take(bob, 1);
  assertEquals([decode(third.data), third.data.buffer.byteLength], ["3", 1]);
  await messages.return!();
});

/** Direct messages in numbers: their order, who waits for whom, and that none is lost. */
import { assertEquals, assertLess } from "@std/assert";
import { test } from "node:test";
import { type P2P, P2PError } from "../mod.ts";
import { connect, createNode, directChannel } from "./support/node.ts";
import {
  assertSameBytes,
  bytes,
  decode,
  encode,
  take,
  until,
} from "./support/wait.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

test("all of many messages arrive in the order in which they were sent", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const count = 20_000;
  const sent = sendNumbered(alice, bob, count);
  const messages = await take(bob, count);
  await sent;
  for (const [index, { data }] of messages.entries()) {
    assertEquals(decode(data).trimEnd(), `${index}`);
  }
});

test("what was sent before anybody reads waits for the reader", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const count = 2000;
  await sendNumbered(alice, bob, count);
  await alice.close();
  const messages = await take(bob, count);
  assertEquals(decode(messages[count - 1].data).trimEnd(), `${count - 1}`);
});

test("close() delivers what was accepted", async () => {
  await using bob = await createNode();
  for (let round = 0; round < 5; round++) {
    const alice = await createNode();
    await connect(alice, bob);
    const channel = directChannel(alice, bob);
    for (let i = 0; i < 20; i++) {
      await alice.sendMessageToPeer(channel, bytes(64 * KIB, i));
    }
    await alice.close();
    const messages = await take(bob, 20);
    assertSameBytes(messages[19].data, bytes(64 * KIB, 19));
  }
});

test("the sender waits for a receiver that does not read, and loses nothing", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  const size = 256 * KIB;
  let accepted = 0;
  for (let waiting = false; !waiting;) {
    try {
      const data = bytes(size, accepted);
      await alice.sendMessageToPeer(channel, data, { timeout: 1000 });
      accepted++;
      assertLess(accepted * size, 100 * MIB, "nothing held the sender back");
    } catch (error) {
      waiting = error instanceof P2PError && error.code === "TIMEOUT";
      if (!waiting) throw error;
    }
  }
  const messages = await take(bob, accepted);
  for (const [index, { data }] of messages.entries()) {
    assertSameBytes(data, bytes(size, index));
  }
  await alice.sendMessageToPeer(channel, encode("goes on"));
  assertEquals(decode((await take(bob, 1))[0].data), "goes on");
});

test("a peer that is not read holds up no other", async () => {
  await using flooder = await createNode();
  await using friend = await createNode();
  await using bob = await createNode();
  await connect(flooder, bob);
  await connect(friend, bob);
  const flood = directChannel(flooder, bob);
  const stopped = new AbortController();
  const sends = Array.from(
    { length: 100 },
    () =>
      flooder.sendMessageToPeer(flood, new Uint8Array(MIB), {
        signal: stopped.signal,
      }).catch(() => {}),
  );
  const channel = directChannel(friend, bob);
  await friend.sendMessageToPeer(channel, encode("let me through"));
  await until(
    () => bob.popMessages().some((message) => message.channel === channel),
    "the friend's message comes through",
  );
  stopped.abort();
  await Promise.all(sends);
});

test("an aborted send that waits is not sent", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  const controller = new AbortController();
  const reason = new Error("too late");
  const sends = Array.from(
    { length: 60 },
    (_, index) =>
      alice.sendMessageToPeer(channel, bytes(MIB, index), {
        signal: controller.signal,
      }),
  );
  const last = sends.at(-1)!.catch((error) => error);
  controller.abort(reason);
  assertEquals(await last, reason);
  const outcomes = await Promise.allSettled(sends);
  const kept = outcomes.filter(({ status }) => status === "fulfilled").length;
  await alice.sendMessageToPeer(channel, encode("the end"));
  const messages = await take(bob, kept + 1);
  assertEquals(decode(messages[kept].data), "the end");
});

/** Messages of 100 bytes that begin with their number. */
async function sendNumbered(
  from: P2P,
  to: P2P,
  count: number,
): Promise<void> {
  const channel = directChannel(from, to);
  for (let i = 0; i < count; i++) {
    await from.sendMessageToPeer(channel, encode(`${i}`.padEnd(100)));
  }
}

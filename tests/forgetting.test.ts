/** What peers, channels and topics leave behind when they are gone: nothing, however many there were. */
import { assertEquals, assertLess } from "@std/assert";
import { test } from "node:test";
import { useLink } from "../src/native/link.ts";
import { inspect } from "./support/inspect.ts";
import { connect, createNode, directChannel } from "./support/node.ts";
import { encode, take, until } from "./support/wait.ts";

const MANY = 2000;
/** Short-lived nodes cost more than channels: each is a whole libp2p node. */
const PEERS = 200;
const AT_ONCE = 8;
const SMALL = { transports: ["tcp" as const], webrtcEnabled: false };

/** What is held on both sides of the boundary. */
async function held(): Promise<Record<string, number>> {
  const link = useLink();
  const { outlets, inlets } = link;
  const here = { "JS outlets": outlets.size, "JS inlets": inlets.size };
  await link.release();
  return { ...(await inspect()).held, ...here };
}

/** Waits until nothing more is held than before. */
async function untilForgotten(before: Record<string, number>): Promise<void> {
  let now: Record<string, number> = {};
  await until(async () => {
    now = await held();
    return Object.keys(now).every((kind) => now[kind] <= (before[kind] ?? 0));
  }, `nothing is held beyond what was before`).catch(() => {
    assertEquals(now, before);
  });
}

test("many short-lived peers leave nothing behind", async () => {
  await using hub = await createNode(SMALL);
  const before = await held();
  let left = PEERS;
  const visit = async () => {
    while (left-- > 0) {
      await using guest = await createNode(SMALL);
      await connect(guest, hub);
      const greeting = encode("hello");
      await guest.sendMessageToPeer(directChannel(guest, hub), greeting);
      await hub.sendMessageToPeer(directChannel(hub, guest), greeting);
      await take(guest, 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, visit));
  await take(hub, PEERS);
  await untilForgotten(before);
});

test("many channels of one peer leave nothing behind", async () => {
  await using alice = await createNode(SMALL);
  await using bob = await createNode(SMALL);
  const before = await held();
  await connect(alice, bob);
  for (let i = 0; i < MANY; i++) {
    await alice.sendMessageToPeer(
      directChannel(alice, bob, `c${i}`),
      encode("x"),
    );
  }
  const messages = await take(bob, MANY);
  assertEquals(new Set(messages.map(({ channel }) => channel)).size, MANY);
  await alice.disconnectFrom(bob.peerId!);
  await untilForgotten(before);
});

test("many topics, joined and left by a node and by its peer, leave nothing behind", async () => {
  await using alice = await createNode(SMALL);
  await using bob = await createNode(SMALL);
  await connect(alice, bob);
  const before = await held();
  for (let i = 0; i < MANY; i++) {
    const topic = `${alice.peerId}::ps:t${i}`;
    await Promise.all([
      alice.subscribeToTopic(topic),
      bob.subscribeToTopic(topic),
    ]);
    await bob.broadcastMessage(topic, encode("x"));
    await Promise.all([
      alice.unsubscribeFromTopic(topic),
      bob.unsubscribeFromTopic(topic),
    ]);
  }
  await until(() => alice.getTopicPeers().length === 0, "bob left all topics");
  await alice.close();
  await bob.close();
  assertLess(Object.keys(before).length, MANY);
});

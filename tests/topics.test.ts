/** Topics: who gets a broadcast, and that a topic survives every order of calls. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import { type P2P, P2PError } from "../mod.ts";
import { connect, createNode } from "./support/node.ts";
import { runProgram } from "./support/program.ts";
import {
  assertSameBytes,
  bytes,
  decode,
  encode,
  once,
  take,
  until,
} from "./support/wait.ts";

test("a broadcast reaches every subscriber once, and not its sender", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await using carol = await createNode();
  await connect(bob, alice);
  await connect(carol, alice);
  const topic = await join([alice, bob, carol]);
  await alice.broadcastMessage(topic, encode("hello"));
  for (const node of [bob, carol]) {
    const [message] = await take(node, 1);
    assertEquals(message.from, alice.peerId);
    assertEquals(message.channel, topic);
    assertEquals(message.transport, "pubsub");
    assertEquals(decode(message.data), "hello");
  }
  // What comes after shows that nothing else came before.
  await bob.broadcastMessage(topic, encode("from bob"));
  const [message] = await take(alice, 1);
  assertEquals(decode(message.data), "from bob");
  assertEquals(bob.getMessageQueueLength(), 0);
});

test("a broadcast travels on through a subscriber in the middle", async () => {
  await using left = await createNode();
  await using middle = await createNode();
  await using right = await createNode();
  await connect(left, middle);
  await connect(right, middle);
  const topic = await join([middle, left, right]);
  await reaches(left, right, topic);
});

for (const floodSub of [false, true]) {
  const router = floodSub ? "FloodSub" : "GossipSub";
  test(`topics work both ways with ${router}`, async () => {
    await using alice = await createNode({ floodSub });
    await using bob = await createNode({ floodSub });
    await connect(alice, bob);
    await exchange(alice, bob, await join([alice, bob]));
  });
}

test("many broadcasts in a row all arrive", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = await join([alice, bob]);
  const count = 2000;
  const sent = Promise.all(
    Array.from(
      { length: count },
      (_, index) => alice.broadcastMessage(topic, encode(`${index}`)),
    ),
  );
  const messages = await take(bob, count);
  await sent;
  assertEquals(new Set(messages.map(({ data }) => decode(data))).size, count);
});

test("a large broadcast arrives unchanged", async () => {
  await using alice = await createNode({ maxTopicMessageSize: 4 << 20 });
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = await join([alice, bob]);
  const data = bytes(3_000_000);
  await alice.broadcastMessage(topic, data);
  const [message] = await take(bob, 1);
  assertSameBytes(message.data, data);
});

test("a broadcast that is larger than others take is refused, and the error names the option", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = await join([alice, bob]);
  const tooLarge = await assertRejects(
    () => alice.broadcastMessage(topic, bytes(65_536)),
    RangeError,
  );
  assertStringIncludes(tooLarge.message, "maxTopicMessageSize");
  // With the channel it would fit, with the signature it does not.
  const signed = await assertRejects(
    () => alice.broadcastMessage(topic, bytes(65_536 - topic.length)),
    P2PError,
  );
  assertEquals(signed.code, "TOPIC_FAILED");
  assertStringIncludes(signed.message, "maxTopicMessageSize");
  const largest = bytes(65_536 - topic.length - 150);
  await alice.broadcastMessage(topic, largest);
  assertSameBytes((await take(bob, 1))[0].data, largest);
});

test("a broadcast that its subscriber does not take is told there, and the next one comes", async () => {
  await using alice = await createNode({ maxTopicMessageSize: 1 << 20 });
  const topic = `${alice.peerId}::ps:test`;
  await alice.broadcastMessage(topic, "joins");
  const heard = runProgram("small_topic.ts", {
    args: [alice.addresses[0], topic],
  });
  await once(alice, "topicpeers", ({ detail }) => detail.peers.length > 0);
  await alice.broadcastMessage(topic, bytes(100_000));
  await alice.broadcastMessage(topic, "next");
  const ended = await heard;
  assertEquals([ended.code, ended.stderr], [0, ""]);
  const { message, drop } = JSON.parse(ended.stdout);
  assertEquals(message, "next");
  assertEquals(drop, {
    ...{ reason: "too-large", channel: topic, peerId: alice.peerId },
    ...{ messages: 1, bytes: 100_000 },
  });
});

test("a topic can be published to without a subscription", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = `${bob.peerId}::ps:inbox`;
  await bob.subscribeToTopic(topic);
  await reaches(alice, bob, topic);
});

test("a topic that was published to can be subscribed to", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = `${alice.peerId}::ps:later`;
  await alice.broadcastMessage(topic, encode("nobody hears this"));
  await exchange(alice, bob, await join([alice, bob], topic));
});

test("a topic can be left and joined again", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = await join([alice, bob]);
  for (let round = 0; round < 3; round++) {
    await exchange(alice, bob, topic);
    await alice.unsubscribeFromTopic(topic);
    await until(() => !bob.getTopicPeers().includes(alice.peerId!), "left");
    await join([alice, bob], topic);
  }
  await exchange(alice, bob, topic);
});

test("leaving a topic that was never joined harms nothing", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = `${alice.peerId}::ps:unknown`;
  await alice.unsubscribeFromTopic(topic);
  await alice.broadcastMessage(topic, encode("still possible"));
  await alice.unsubscribeFromTopic(topic);
  await exchange(alice, bob, await join([alice, bob], topic));
});

test("a topic that was left can still be published to", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = await join([alice, bob]);
  await alice.unsubscribeFromTopic(topic);
  await reaches(alice, bob, topic);
});

test("joining and leaving may be repeated", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = await join([alice, bob]);
  await alice.subscribeToTopic(topic);
  await exchange(alice, bob, topic);
  await alice.unsubscribeFromTopic(topic);
  await alice.unsubscribeFromTopic(topic);
});

test("what is broadcast after a topic was left does not come any more", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const left = await join([alice, bob], `${alice.peerId}::ps:left`);
  const kept = await join([alice, bob], `${alice.peerId}::ps:kept`);
  await bob.unsubscribeFromTopic(left);
  await alice.broadcastMessage(left, encode("unwanted"));
  await alice.broadcastMessage(kept, encode("wanted"));
  assertEquals(decode((await take(bob, 1))[0].data), "wanted");
  assertEquals(bob.getMessageQueueLength(), 0);
});

test("getTopicPeers() tells who is in the topics of this node", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  assertEquals(alice.getTopicPeers(), []);
  const topic = await join([alice, bob]);
  assertEquals(alice.getTopicPeers(topic), [bob.peerId]);
  assertEquals(alice.getTopicPeers(`${alice.peerId}::ps:other`), []);
  await bob.unsubscribeFromTopic(topic);
  await until(() => alice.getTopicPeers().length === 0, "bob left");
});

test("a topic may have any name, of any length that a channel has", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  for (const name of ["room", "/foreign/topic/1", "ü".repeat(127)]) {
    const topic = await join([alice, bob], name);
    await alice.broadcastMessage(topic, encode(name));
    const [message] = await take(bob, 1);
    assertEquals(message.channel, name);
    assertEquals(message.text(), name);
  }
});

test("a broadcast needs the channel of a topic", async () => {
  await using node = await createNode();
  await assertRejects(
    () => node.broadcastMessage("a::dm:b-c", encode("x")),
    RangeError,
  );
  await assertRejects(
    () => node.subscribeToTopic(3 as never),
    TypeError,
  );
  await assertRejects(() => node.subscribeToTopic(""), RangeError);
});

/** Subscribes all to a topic of the first; resolves when the first knows of all, and all of the first. */
async function join(
  nodes: P2P[],
  topic = `${nodes[0].peerId}::ps:test`,
): Promise<string> {
  const [first, ...others] = nodes;
  const meeting = [
    meets(first, topic, others),
    ...others.map((node) => meets(node, topic, [first])),
  ];
  for (const node of nodes) await node.subscribeToTopic(topic);
  await Promise.all(meeting);
  return topic;
}

async function meets(node: P2P, topic: string, others: P2P[]): Promise<void> {
  const knows = (peers: string[]) =>
    others.every(({ peerId }) => peers.includes(peerId!));
  if (knows(node.getTopicPeers(topic))) return;
  await once(
    node,
    "topicpeers",
    ({ detail }) => detail.topic === topic && knows(detail.peers),
  );
}

async function exchange(a: P2P, b: P2P, topic: string): Promise<void> {
  for (const [from, to] of [[a, b], [b, a]]) {
    await from.broadcastMessage(topic, encode(`from ${from.peerId}`));
    const [message] = await take(to, 1);
    assertEquals(decode(message.data), `from ${from.peerId}`);
  }
}

/** Who is outside the topic, or two steps away, is connected to it some time; until then it repeats itself. */
async function reaches(from: P2P, to: P2P, topic: string): Promise<void> {
  await until(async () => {
    await from.broadcastMessage(topic, encode("hello"));
    return to.getMessageQueueLength() > 0;
  }, "a broadcast arrives");
  assertEquals(to.popMessages()[0].from, from.peerId);
}

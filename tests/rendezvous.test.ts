// Rendezvous topics: a world announces its agents, and others follow.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { channel, type P2P, type RosterPeer } from "../mod.ts";
import { encodeMessage } from "../src/messages/mod.ts";
import { asCid, connect, createNode } from "./support/node.ts";
import { encode, once, until } from "./support/wait.ts";

function agent(id: string): RosterPeer {
  return {
    id,
    addrs: ["/ip4/192.0.2.1/tcp/4001"],
    connectedAt: "2026-11-24T09:30:00.123456789Z",
    direction: "inbound",
    misc: 3,
    relayed: false,
  };
}

const ALICE = agent("12D3KooWEXse6zf6g6rsFckJqXA6SWWrENNB3oN8tG5qPEPWV5do");
const BOB = agent("12D3KooWKSQXVsqfSDJ1MrAD3b4FMCbtAaqKusKKsUXY2QNn2yr6");

/** A world, one that follows it, and its topic. */
async function follow(
  world: P2P,
  follower: P2P,
  topic = channel.topic(world.peerId!, "rv"),
): Promise<string> {
  await connect(follower, world);
  await follower.subscribeToTopic(topic);
  await until(
    async () => {
      // Joining the topic is what lets the world see who is in it.
      await world.subscribeToTopic(topic);
      return world.getTopicPeers(topic).includes(follower.peerId!);
    },
    "the world sees its follower",
  );
  return topic;
}

test("a roster arrives, is kept, and never reaches the mailbox", async () => {
  await using world = await createNode();
  await using follower = await createNode();
  const topic = await follow(world, follower);
  assertEquals(follower.getRendezvousPeersInfo(), null);
  const announced = once(follower, "rendezvous");
  const roster = { peers: [ALICE, BOB], updateCount: 5 };
  await world.publishRendezvous(topic, roster);
  assertEquals((await announced).detail, { topic, ...roster });
  assertEquals(follower.getRendezvousPeersInfo(), roster);
  assertEquals(follower.getMessageQueueLength(), 0);
});

test("a roster replaces another only if its count is larger", async () => {
  await using world = await createNode();
  await using follower = await createNode();
  const topic = await follow(world, follower);
  const counts: number[] = [];
  follower.addEventListener("rendezvous", ({ detail }) => {
    counts.push(detail.updateCount);
  });
  for (const updateCount of [5, 4, 5, 6]) {
    await world.publishRendezvous(topic, { peers: [], updateCount });
  }
  await until(() => counts.includes(6), "the last roster is there");
  assertEquals(counts, [5, 6]);
});

test("a bad entry is dropped and counted, and the roster is taken", async () => {
  await using world = await createNode();
  await using follower = await createNode();
  const topic = await follow(world, follower);
  const announced = once(follower, "rendezvous");
  const dropped = once(follower, "drop");
  const { connectedAt: connected_at, ...rest } = ALICE;
  const good = { ...rest, connected_at };
  const bad = [
    null,
    { ...good, id: "not a peer" },
    { ...good, addrs: ["nowhere"] },
    { ...good, connected_at: "yesterday" },
    { ...good, misc: "3" },
  ];
  await world.broadcastMessage(
    topic,
    encodeMessage({
      sender: world.peerId!,
      contentType: "world_agents_list",
      channel: topic,
      content: {
        kind: "json",
        value: { peers: [...bad, good], update_count: 1 },
      },
    }),
  );
  assertEquals((await announced).detail.peers, [ALICE]);
  const { reason, messages } = (await dropped).detail;
  assertEquals([reason, messages], ["roster-refused", bad.length]);
});

test("a roster counts only if the owner of the topic has sent it", async () => {
  await using world = await createNode();
  await using follower = await createNode();
  await using stranger = await createNode();
  const topic = await follow(world, follower);
  await connect(stranger, follower);
  const dropped = once(follower, "drop");
  const forged = encodeMessage({
    sender: world.peerId!,
    contentType: "world_agents_list",
    content: { kind: "json", value: { peers: [], update_count: 9 } },
  });
  await until(async () => {
    await stranger.broadcastMessage(topic, forged);
    return await Promise.race([
      dropped.then(() => true),
      new Promise<boolean>((resolve) => setTimeout(resolve, 50, false)),
    ]);
  }, "the forged roster arrives");
  const { reason, peerId, channel } = (await dropped).detail;
  assertEquals([reason, peerId, channel], [
    "sender-refused",
    stranger.peerId!,
    topic,
  ]);
  assertEquals(follower.getRendezvousPeersInfo(), null);
});

test("the owner of a topic is known in any spelling of its peer id", async () => {
  await using world = await createNode();
  await using follower = await createNode();
  const topic = await follow(
    world,
    follower,
    channel.topic(asCid(world.peerId!), "rv"),
  );
  const announced = once(follower, "rendezvous");
  await world.publishRendezvous(topic, { peers: [ALICE], updateCount: 1 });
  assertEquals((await announced).detail.topic, topic);
});

test("what is no roster is refused", async () => {
  await using world = await createNode();
  await using follower = await createNode();
  const topic = await follow(world, follower);
  const dropped = once(follower, "drop");
  await world.broadcastMessage(topic, encode("no message"));
  assertEquals((await dropped).detail.reason, "roster-refused");
});

test("another world takes the place of the one before, and leaving forgets the roster", async () => {
  await using first = await createNode();
  await using second = await createNode();
  await using follower = await createNode();
  const one = await follow(first, follower);
  const announced = once(follower, "rendezvous");
  await first.publishRendezvous(one, { peers: [ALICE], updateCount: 1 });
  await announced;
  const two = await follow(second, follower);
  assertEquals(follower.getRendezvousPeersInfo(), null);
  await until(
    () => !first.getTopicPeers(one).includes(follower.peerId!),
    "the first world is left",
  );
  const next = once(follower, "rendezvous");
  await second.publishRendezvous(two, { peers: [BOB], updateCount: 0 });
  await next;
  assertEquals(follower.getRendezvousPeersInfo()?.peers, [BOB]);
  await follower.unsubscribeFromTopic(two);
  assertEquals(follower.getRendezvousPeersInfo(), null);
});

test("a roster that others would refuse is not published", async () => {
  await using world = await createNode();
  const topic = channel.topic(world.peerId!, "rv");
  const roster = { peers: [ALICE], updateCount: 1 };
  const publish = (topic: string, roster: unknown) => () =>
    world.publishRendezvous(topic, roster as { peers: []; updateCount: 1 });
  await assertRejects(
    publish(channel.topic(ALICE.id, "rv"), roster),
    RangeError,
  );
  await assertRejects(
    publish(channel.topic(world.peerId!, "news"), roster),
    RangeError,
  );
  await assertRejects(
    publish(topic, { peers: [{ ...ALICE, id: "x" }], updateCount: 1 }),
    RangeError,
    "peers[0]",
  );
  await assertRejects(
    publish(topic, { peers: [], updateCount: -1 }),
    RangeError,
  );
  await publish(topic, roster)();
});

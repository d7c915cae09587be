// Rosters as they come from the owner of a topic, who is a stranger too.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Drops } from "../../src/drops.ts";
import type { DropDetail, RendezvousDetail } from "../../src/events.ts";
import { encodeMessage } from "../../src/messages/mod.ts";
import { encodeRoster, Rendezvous } from "../../src/rendezvous.ts";
import { forgedTensor, within } from "../support/hostile.ts";
import { encode } from "../support/wait.ts";

const OWNER = "12D3KooWEXse6zf6g6rsFckJqXA6SWWrENNB3oN8tG5qPEPWV5do";
const TOPIC = `${OWNER}::ps:rv`;
const MIB = 1 << 20;
const peer = {
  id: OWNER,
  addrs: ["/ip4/192.0.2.1/tcp/4001"],
  connectedAt: "2026-11-24T09:30:00Z",
  direction: "inbound" as const,
  misc: 3,
  relayed: false,
};
const { connectedAt: connected_at, ...rest } = peer;
const written = { ...rest, connected_at };

/** A node that follows the topic, what it told, and what it dropped. */
function follow() {
  const told: RendezvousDetail[] = [];
  const dropped: DropDetail[] = [];
  const drops = new Drops((detail) => dropped.push(detail));
  const rendezvous = new Rendezvous(drops, (detail) => told.push(detail));
  rendezvous.follow(TOPIC);
  const receive = async (data: Uint8Array) => {
    rendezvous.receive({ channel: TOPIC, from: OWNER, data });
    await Promise.resolve();
  };
  return { rendezvous, told, dropped, receive };
}

function roster(peers: unknown[], update_count: unknown = 1): Uint8Array {
  return encodeMessage({
    sender: OWNER,
    contentType: "world_agents_list",
    channel: TOPIC,
    content: { kind: "json", value: { peers, update_count } },
  });
}

test("a roster that was made to stall its readers is refused at once", async () => {
  const { rendezvous, dropped, receive } = follow();
  const start = performance.now();
  await receive(within([7], encode('\\"'.repeat(48 << 10))));
  const took = performance.now() - start;
  assert(took < 5000, `${took} ms`);
  const [{ reason, messages, channel, peerId }] = dropped;
  assertEquals([reason, messages, channel, peerId], [
    "roster-refused",
    1,
    TOPIC,
    OWNER,
  ]);
  assertEquals(rendezvous.roster, null);
});

for (
  const [what, data] of [
    ["more than 10,000 peers", roster(Array(10_001).fill(null))],
    ["more than 4 MiB", roster([written, "x".repeat(4 * MIB)])],
    ["a tensor", forgedTensor(gzipSync(new Uint8Array(MIB)), "uint8", [MIB])],
    ["no list", roster({} as unknown[])],
    ["no count", roster([written], "1")],
  ] as const
) {
  test(`a roster of ${what} is refused`, async () => {
    const { told, dropped, receive } = follow();
    await receive(data);
    assertEquals(told, []);
    assertEquals(
      dropped.map(({ reason, messages, bytes }) => ({
        reason,
        messages,
        bytes,
      })),
      [{ reason: "roster-refused", messages: 1, bytes: data.length }],
    );
  });
}

test("a roster of 10,000 peers is taken, and the entries that are none are told in one event", async () => {
  const { rendezvous, dropped, receive } = follow();
  const bad = { ...written, addrs: ["/ip4//tcp"] };
  const peers = Array.from({ length: 10_000 }, (_, i) => i % 2 ? written : bad);
  await receive(roster(peers));
  assertEquals(rendezvous.roster?.peers.length, 5000);
  assertEquals(dropped, [{
    reason: "roster-refused",
    channel: TOPIC,
    peerId: OWNER,
    messages: 5000,
    bytes: 0,
  }]);
});

for (const addr of ["", "/", "//", "ip4", "/ip4/", "/ip4//tcp", 7, null]) {
  test(`an entry is none with the address ${JSON.stringify(addr)}`, async () => {
    const { told, receive } = follow();
    await receive(roster([{ ...written, addrs: [addr] }]));
    assertEquals(told[0].peers, []);
  });
}

test("what is told of a roster is a copy, and so is what is asked for", async () => {
  const { rendezvous, told, receive } = follow();
  await receive(roster([written]));
  const expected = { peers: [peer], updateCount: 1 };
  assertEquals(told, [{ topic: TOPIC, ...expected }]);
  for (const handedOut of [told[0], rendezvous.roster!]) {
    handedOut.updateCount = 100;
    handedOut.peers[0].addrs.push("/ip4/192.0.2.9");
    handedOut.peers.push(peer);
    assertEquals(rendezvous.roster, expected);
  }
});

test("a roster that others would refuse for its size is not published", () => {
  const publish = (peers: unknown[]) =>
    encodeRoster(OWNER, TOPIC, { peers, updateCount: 1 });
  assertThrows(() => publish(Array(10_001).fill(peer)), RangeError, "10000");
  const addrs = Array(2 * MIB).fill("/x");
  assertThrows(() => publish([{ ...peer, addrs }]), RangeError, "bytes");
  assertEquals(publish(Array(10_000).fill(peer)).length < 4 * MIB, true);
});

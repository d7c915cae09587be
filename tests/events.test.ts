/** The events of a node: when they come, what they carry, and that they keep the snapshots fresh. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import type { P2PEventMap } from "../mod.ts";
import { connect, createNode, directChannel } from "./support/node.ts";
import { encode, once, take, until } from "./support/wait.ts";

test("both sides get peerconnect, each with its view of the other", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  const events = [once(alice, "peerconnect"), once(bob, "peerconnect")];
  await alice.connectTo(bob.addresses);
  const [inAlice, inBob] = (await Promise.all(events)).map((e) => e.detail);
  assertEquals([inAlice.id, inAlice.direction], [bob.peerId, "outbound"]);
  assertEquals([inBob.id, inBob.direction], [alice.peerId, "inbound"]);
  for (const peer of [inAlice, inBob]) {
    assertEquals([peer.misc, peer.relayed], [0, false]);
    assert(Math.abs(Date.parse(peer.connectedAt) - Date.now()) < 60_000);
    assert(peer.addrs.length > 0);
  }
});

test("peerconnect has come, and the snapshot has the peer, when connectTo() resolves", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  let connected = false;
  alice.addEventListener("peerconnect", () => connected = true);
  await alice.connectTo(bob.addresses);
  assertEquals(connected, true);
  const ids = alice.getConnectedPeersInfo().map(({ id }) => id);
  assertEquals(ids, [bob.peerId]);
});

test("peerdisconnect comes on both sides when one disconnects", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const events = [once(alice, "peerdisconnect"), once(bob, "peerdisconnect")];
  await alice.disconnectFrom(bob.peerId!);
  const [inAlice, inBob] = (await Promise.all(events)).map((e) => e.detail);
  assertEquals([inAlice.id, inBob.id], [bob.peerId, alice.peerId]);
  assertEquals(alice.getConnectedPeersInfo(), []);
  assertEquals(bob.getConnectedPeersInfo(), []);
});

test("a second connection to a peer is no second peerconnect", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  let events = 0;
  alice.addEventListener("peerconnect", () => events++);
  await alice.connectTo(bob.addresses);
  assertEquals(events, 0);
  assertEquals(alice.getConnectedPeersInfo().length, 1);
});

test("readable comes when the mailbox turns from empty to not empty", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  let events = 0;
  bob.addEventListener("readable", () => events++);
  for (const count of [3, 1]) {
    events = 0;
    for (let i = 0; i < count; i++) {
      await alice.sendMessageToPeer(channel, encode("x"));
    }
    await until(() => bob.getMessageQueueLength() === count, "all are there");
    assertEquals(events, 1);
    await take(bob, count);
  }
});

test("a program can live on readable and popMessages() alone", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  const total = 500;
  let popped = 0;
  const done = Promise.withResolvers<void>();
  bob.addEventListener("readable", () => {
    while (bob.getMessageQueueLength() > 0) popped += bob.popMessages().length;
    if (popped === total) done.resolve();
  });
  for (let i = 0; i < total; i++) {
    await alice.sendMessageToPeer(channel, encode(`${i}`));
  }
  await done.promise;
});

test("the properties of a node agree with its events", async () => {
  await using node = await createNode({ knowsIsPublic: true });
  await until(() => node.isPublic === true, "known to be public");
  assertEquals(node.getReachability(), true);
  assertEquals(await node.getNodeAddresses(), node.addresses);
});

test("what became known while the node was made is told once the program listens", async () => {
  await using node = await createNode({ knowsIsPublic: true });
  const { detail } = await once(node, "reachability");
  assertEquals(detail, { reachability: "public", isPublic: true });
});

test("a name that is no event does not compile, and an event has the detail of its name", async () => {
  await using node = await createNode();
  const listener = () => {};
  // @ts-expect-error: no such event
  node.addEventListener("mesage", listener);
  // @ts-expect-error: no such event
  node.removeEventListener("mesage", listener);
  const type: string = "drop";
  // @ts-expect-error: any text could be one
  node.addEventListener(type, listener);
  const onDrop = (event: P2PEventMap["drop"]) => event.detail.messages;
  node.addEventListener("drop", onDrop);
  // @ts-expect-error: another event's listener
  node.addEventListener("warning", onDrop);
  node.addEventListener("warning", ({ detail }) => {
    // @ts-expect-error: a warning counts no messages
    return detail.messages;
  });
  const target: EventTarget = node;
  let told = 0;
  target.addEventListener("close", () => told++);
  await node.close();
  assertEquals(told, 1);
});

test("a listener may be an object, called once, or removed", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  const called: string[] = [];
  const removed = () => called.push("removed");
  alice.addEventListener("peerconnect", removed);
  alice.removeEventListener("peerconnect", removed);
  alice.addEventListener("peerconnect", {
    handleEvent: (event) => called.push(event.type),
  });
  alice.addEventListener("peerconnect", () => called.push("once"), {
    once: true,
  });
  await alice.connectTo(bob.addresses);
  assertEquals(called, ["peerconnect", "once"]);
});

test("close comes last, when the node is closed", async () => {
  const alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const types: string[] = [];
  for (const type of ["peerdisconnect", "close"] as const) {
    alice.addEventListener(type, () => types.push(type));
  }
  await alice.close();
  assertEquals(types.at(-1), "close");
});

test("the transport of a connection is told", async () => {
  const options = { transports: ["quic" as const] };
  await using alice = await createNode(options);
  await using bob = await createNode(options);
  await connect(alice, bob);
  for (const node of [alice, bob]) {
    assertMatch(node.getConnectedPeersInfo()[0].transport, /quic/);
  }
});

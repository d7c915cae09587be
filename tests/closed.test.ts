/**
 * What a closed node answers, member by member: nothing to who looks, `CLOSED` to who wants something done.
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { P2P, P2PError } from "../mod.ts";
import { asCid, connect, createNode, directChannel } from "./support/node.ts";
import { encode, take, until } from "./support/wait.ts";

const PEER = "12D3KooWEXse6zf6g6rsFckJqXA6SWWrENNB3oN8tG5qPEPWV5do";
const TOPIC = "somebody::ps:news";

/** What a member answers once the node is closed: a value, or that it is closed. */
const CLOSED = Symbol("CLOSED");
/** What does not end with the node: how it ends, what it has warned of, and the program's own label. */
const LASTING = Symbol("as before");

type Row = [use: (node: P2P) => unknown, answer: unknown];
const ROWS: Record<string, Row> = {
  peerId: [(node) => node.peerId, null],
  addresses: [(node) => node.addresses, []],
  isPublic: [(node) => node.isPublic, null],
  relayIsEnabled: [(node) => node.relayIsEnabled, false],
  getConnectedPeersInfo: [(node) => node.getConnectedPeersInfo(), []],
  getMessageQueueLength: [(node) => node.getMessageQueueLength(), 0],
  getReachability: [(node) => node.getReachability(), false],
  getRendezvousPeersInfo: [(node) => node.getRendezvousPeersInfo(), null],
  getTopicPeers: [(node) => node.getTopicPeers(), []],
  getWebrtcConnections: [(node) => node.getWebrtcConnections(), []],

  popMessages: [(node) => node.popMessages(), CLOSED],
  messages: [(node) => node.messages(), CLOSED],
  sender: [(node) => node.sender(`${PEER}::dm:${PEER}-x`), CLOSED],

  broadcastMessage: [(node) => node.broadcastMessage(TOPIC, "x"), CLOSED],
  connectTo: [
    (node) => node.connectTo([`/ip4/127.0.0.1/tcp/1/p2p/${PEER}`]),
    CLOSED,
  ],
  disconnectFrom: [(node) => node.disconnectFrom(PEER), CLOSED],
  getNodeAddresses: [(node) => node.getNodeAddresses(), CLOSED],
  publishRendezvous: [
    (node) => node.publishRendezvous(TOPIC, { peers: [], updateCount: 1 }),
    CLOSED,
  ],
  reserveOnRelay: [(node) => node.reserveOnRelay(PEER), CLOSED],
  send: [(node) => node.send(PEER, "x"), CLOSED],
  sendMessageToPeer: [
    (node) => node.sendMessageToPeer(`${PEER}::dm:${PEER}-x`, "x"),
    CLOSED,
  ],
  setIceConfig: [(node) => node.setIceConfig({ stunServers: [] }), CLOSED],
  setTurnCredentials: [(node) => node.setTurnCredentials([]), CLOSED],
  subscribeToTopic: [(node) => node.subscribeToTopic(TOPIC), CLOSED],
  unsubscribeFromTopic: [(node) => node.unsubscribeFromTopic(TOPIC), CLOSED],

  [Symbol.asyncDispose as never]: [
    (node) => node[Symbol.asyncDispose](),
    LASTING,
  ],
  close: [(node) => node.close(), LASTING],
  closed: [(node) => node.closed, LASTING],
  logSub: [(node) => node.logSub, LASTING],
  ref: [(node) => node.ref(), LASTING],
  unref: [(node) => node.unref(), LASTING],
  warnings: [(node) => node.warnings, LASTING],
};

test("every member of a node has a row here", () => {
  const members = new Set(Reflect.ownKeys(P2P.prototype));
  members.delete("constructor");
  members.add("logSub");
  assertEquals(
    [...members].map(String).sort(),
    Reflect.ownKeys(ROWS).map(String).sort(),
  );
});

test("a closed node shows nothing to who looks, and refuses everything else with CLOSED", async () => {
  await using bob = await createNode();
  const alice = await createNode({ knowsIsPublic: true });
  await connect(alice, bob);
  await alice.subscribeToTopic(TOPIC);
  await bob.sendMessageToPeer(directChannel(bob, alice), encode("x"));
  await until(() => alice.getMessageQueueLength() > 0, "a message waits");
  await until(() => alice.isPublic === true, "it is known to be public");
  assertEquals(alice.relayIsEnabled, true);
  const confirmation = await alice.close();
  for (const name of Reflect.ownKeys(ROWS)) {
    const [use, answer] = ROWS[name as string];
    const called = () => use(alice);
    if (answer === CLOSED) {
      const error = ["popMessages", "messages", "sender"].includes(String(name))
        ? assertThrows(called, P2PError)
        : await assertRejects(called as () => Promise<unknown>, P2PError);
      assertEquals(
        [error.code, error.operation],
        ["CLOSED", name],
        String(name),
      );
    } else if (answer !== LASTING) {
      assertEquals(called(), answer, String(name));
    }
  }
  assertEquals(await alice.close(), confirmation);
  assertEquals(alice.logSub, "pub");
  await alice.closed;
});

test("what had come before a node was closed is delivered by its iterators, and popped no more", async () => {
  await using bob = await createNode();
  const alice = await createNode();
  await connect(alice, bob);
  for (const topic of ["a", "b"]) {
    await bob.send(alice.peerId!, topic, { topic });
  }
  await until(() => alice.getMessageQueueLength() === 2, "both have come");
  const messages = alice.messages();
  const filtered = alice.messages({ topic: "b" });
  const closing = alice.close();
  for (const closed of [false, true]) {
    if (closed) await closing;
    assertThrows(() => alice.messages(), P2PError, "closed");
    assertThrows(() => alice.popMessages(), P2PError, "closed");
  }
  for (const [iterator, text] of [[messages, "a"], [filtered, "b"]] as const) {
    assertEquals((await iterator.next()).value?.text(), text);
    assertEquals((await iterator.next()).done, true);
  }
});

test("wrong arguments are told by name, and nothing is sent", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  // deno-lint-ignore no-explicit-any
  const any = alice as any;
  const self = alice.peerId!;
  const good = directChannel(alice, bob);
  const topic = `${self}::ps:rv`;
  const roster = { peers: [], updateCount: 1 };
  const wrong: [call: () => unknown, kind: typeof TypeError, text: string][] = [
    // deno-lint-ignore no-explicit-any
    [() => new (P2P as any)(), TypeError, "P2P.create"],
    [() => P2P.create(null as never), TypeError, "options"],
    [() => P2P.create({} as never), TypeError, "identityDir"],
    [() => P2P.create({ identityDir: "\ud800" }), RangeError, "identityDir"],
    [() => P2P.create({ identityDir: "x" }, 7 as never), TypeError, "options"],
    [() => P2P.setupLibrary(null as never), TypeError, "settings"],
    [() => any.connectTo(), TypeError, "addrs"],
    [() => any.connectTo(["\udc00"]), RangeError, "addrs[0]"],
    [() => any.connectTo([null]), TypeError, "addrs[0]"],
    [() => any.connectTo(bob.addresses, null), TypeError, "options"],
    [() => any.disconnectFrom(), TypeError, "peerId"],
    [() => any.disconnectFrom(bob.peerId, 1), TypeError, "options"],
    [() => any.sendMessageToPeer(undefined, "x"), TypeError, "channel"],
    [() => any.sendMessageToPeer(good), TypeError, "data"],
    [() => any.sendMessageToPeer(good, null), TypeError, "data"],
    [() => any.sendMessageToPeer(good, {}), TypeError, "data"],
    [() => any.sendMessageToPeer(good, "x", 1), TypeError, "options"],
    [() => any.sendMessageToPeer(`${good}\ud800`, "x"), RangeError, "channel"],
    [() => any.sender(), TypeError, "channel"],
    [() => any.sender(`${good}\ud800`), RangeError, "channel"],
    [() => new (any.sender(good).constructor)(), TypeError, "node.sender"],
    [() => any.sender(good).send(), TypeError, "data"],
    [() => any.sender(good).whenReady(null), TypeError, "options"],
    [() => any.sender(good).close({ timeout: -1 }), RangeError, "timeout"],
    [() => any.broadcastMessage(5, "x"), TypeError, "channel"],
    [() => any.broadcastMessage("a::dm:b-c", "x"), RangeError, "channel"],
    [() => any.broadcastMessage(topic), TypeError, "data"],
    [() => any.subscribeToTopic(), TypeError, "channel"],
    [() => any.subscribeToTopic("a::dm:b-c"), RangeError, "channel"],
    [() => any.subscribeToTopic("a::ps:\ud800"), RangeError, "channel"],
    [() => any.unsubscribeFromTopic(5), TypeError, "channel"],
    [() => any.unsubscribeFromTopic("a::dm:b-c"), RangeError, "channel"],
    [() => any.getTopicPeers(5), TypeError, "channel"],
    [() => any.getTopicPeers(null), TypeError, "channel"],
    [() => any.getTopicPeers("a::dm:b-c"), RangeError, "channel"],
    [() => any.publishRendezvous(5, roster), TypeError, "channel"],
    [() => any.publishRendezvous(topic), TypeError, "roster"],
    [() => any.publishRendezvous(topic, []), TypeError, "roster"],
    [
      () => any.publishRendezvous(topic, { peers: [null], updateCount: 1 }),
      TypeError,
      "roster.peers[0]",
    ],
    [
      () => any.publishRendezvous(topic, { peers: [], updateCount: "1" }),
      TypeError,
      "roster.updateCount",
    ],
    [() => any.reserveOnRelay(7), TypeError, "relayPeerId"],
    [() => any.getNodeAddresses(null), TypeError, "peerId"],
    [() => any.setIceConfig(), TypeError, "servers"],
    [() => any.setIceConfig({ stunServers: [1] }), TypeError, "stunServers[0]"],
    [() => any.setTurnCredentials(), TypeError, "turnServers"],
    [() => any.setTurnCredentials(null), TypeError, "turnServers"],
    [() => any.messages(7), TypeError, "options"],
    [() => any.close(null), TypeError, "options"],
    [() => any.close("all"), TypeError, "options"],
    [() => any.close({ all: 1 }), TypeError, "options.all"],
    [() => any.close({ timeout: "1" }), TypeError, "options.timeout"],
  ];
  for (const [call, kind, text] of wrong) {
    await assertRejects(
      () => Promise.resolve().then(call),
      kind,
      text,
      String(call),
    );
  }
  await alice.send(asCid(bob.peerId!), "the only one");
  assertEquals((await take(bob, 1))[0].text(), "the only one");
});

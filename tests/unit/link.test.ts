// The link over a fake library: its life, the order of records, cancelling, and its end.

import {
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { P2PError } from "../../src/errors.ts";
import { Kind, Op } from "../../src/native/codec.ts";
import { registry } from "../../src/native/registry.ts";
import { P2P } from "../../src/p2p.ts";
import { VERSION } from "../../src/version.ts";
import { json, once, withFake } from "./fake_binding.ts";

const options = { identityDir: "./alice" };
const quic = { type: "inlet", inlet: 9, peer: "bob", transport: "quic" };
const bob = {
  id: "bob",
  addrs: [],
  connectedAt: "2026-01-01T00:00:00Z",
  direction: "inbound",
  misc: 0,
  relayed: false,
  transport: "quic",
};

async function rejectsWith(code: string, promise: Promise<unknown>) {
  const error = await assertRejects(() => promise);
  assertInstanceOf(error, P2PError);
  assertEquals(error.code, code);
  return error;
}

test("the link opens with the first node and closes with the last", () =>
  withFake(async (fake) => {
    const [one, other] = await Promise.all([
      P2P.create(options),
      P2P.create(options),
    ]);
    await one.close();
    assertEquals(registry().link === undefined, false);
    await other.close();
    assertEquals(registry().link, undefined);
    const lives = fake.calls.filter((call) => !/drain|ring/.test(call));
    assertEquals(lives, ["open", "close", "socket closed"]);
    await (await P2P.create(options)).close();
    assertEquals(fake.calls.filter((call) => call === "open").length, 2);
  }));

test("the link closes again when a node could not be made", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.CREATE);
    const created = P2P.create(options);
    const { id } = await fake.request(Op.CREATE);
    fake.answer(id, { code: "IDENTITY_IN_USE", message: "taken" }, true);
    const error = await rejectsWith("IDENTITY_IN_USE", created);
    assertEquals(error.operation, "create");
    assertEquals(fake.calls.at(-1), "socket closed");
  }));

test("the link refuses a library with another ABI before it asks anything of it", () =>
  withFake(async (fake) => {
    fake.abiNumber = 99;
    const error = await rejectsWith("LIBRARY_MISMATCH", P2P.create(options));
    assertEquals(/scripts\/build.ts` builds it/.test(error.message), true);
    assertEquals(fake.calls, []);
  }));

test("the link rings once for all requests of a turn", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await new Promise((resolve) => setImmediate(resolve));
    const rings = () => fake.calls.filter((call) => call === "ring").length;
    const before = rings();
    await Promise.all(
      [1, 2, 3].map((n) => node.subscribeToTopic(`self1::ps:${n}`)),
    );
    assertEquals(rings() - before, 1);
    await node.close();
  }));

test("the link keeps the process alive while a node with ref is open", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    assertEquals(fake.referenced, true);
    node.unref();
    assertEquals(fake.referenced, false);
    node.ref();
    assertEquals(fake.referenced, true);
    node.unref();
    fake.manual.add(Op.CONNECT);
    const connected = node.connectTo(["/ip4/127.0.0.1"]);
    assertEquals(fake.referenced, true);
    fake.answer((await fake.request(Op.CONNECT)).id, { id: "b", addrs: [] });
    await connected;
    assertEquals(fake.referenced, false);
    await node.close();
  }));

test("the link applies events before the answer that follows them", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.CONNECT);
    const node = await P2P.create(options);
    const connected = node.connectTo(["/ip4/127.0.0.1"]);
    const { id } = await fake.request(Op.CONNECT);
    const announced = once<unknown>(node, "peerconnect");
    fake.event(1, { type: "peerconnect", peer: bob });
    fake.answer(id, { id: "bob", addrs: ["/ip4/127.0.0.1"] });
    assertEquals(await connected, { id: "bob", addrs: ["/ip4/127.0.0.1"] });
    assertEquals(node.getConnectedPeersInfo().map(({ id }) => id), ["bob"]);
    assertEquals((await announced).detail, bob);
    await node.close();
    assertEquals(node.getConnectedPeersInfo(), []);
  }));

test("the link takes a large message into a buffer of its size", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    const data = new Uint8Array(100_001).fill(7);
    fake.event(1, quic);
    fake.message(9, "a", data);
    fake.message(9, "b", new Uint8Array([1]));
    const [first, second] = await take(node, 2);
    assertEquals(first.data.length, 100_001);
    assertEquals(first.data.buffer.byteLength, 100_001);
    assertEquals(first.data.every((byte) => byte === 7), true);
    assertEquals([second.channel, second.data.length], ["b", 1]);
    await node.close();
  }));

test("the link gives each message a buffer of its own", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    fake.event(1, quic);
    for (const byte of [1, 2]) fake.message(9, "a", new Uint8Array([byte]));
    const [one, other] = await take(node, 2);
    structuredClone(one.data, { transfer: [one.data.buffer as ArrayBuffer] });
    assertEquals([...other.data], [2]);
    await node.close();
  }));

test("the link outlives a program that transfers shared memory", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    fake.event(1, quic);
    const messages = node.messages({ shared: true });
    for (const byte of [1, 2]) {
      const next = messages.next();
      fake.message(9, "a", new Uint8Array([byte]));
      const { data } = (await next).value!;
      assertEquals([...data], [byte]);
      structuredClone(null, { transfer: [data.buffer as ArrayBuffer] });
    }
    await node.subscribeToTopic("still::ps:here");
    await node.close();
  }));

test("the link hands on what comes behind a record that cannot be read", () =>
  withFake(async (fake) => {
    const { reportError } = globalThis;
    const reported: unknown[] = [];
    globalThis.reportError = (error) => reported.push(error);
    try {
      const node = await P2P.create(options);
      fake.post(Kind.EVENT, 1, 0, new TextEncoder().encode("no JSON"));
      fake.event(1, quic);
      fake.message(9, "a", new Uint8Array([1]));
      assertEquals((await take(node, 1))[0].channel, "a");
      assertEquals(reported.length, 1);
      assertInstanceOf(reported[0], SyntaxError);
      await node.close();
    } finally {
      globalThis.reportError = reportError;
    }
  }));

test("a little credit waits for the next doorbell, much rings it", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    fake.event(1, quic);
    const rings = async (bytes: number) => {
      const turn = () => new Promise((r) => setImmediate(r));
      await turn();
      const credits = () =>
        fake.requests.filter(({ op }) => op === Op.CREDIT).length;
      const rung = () => fake.calls.filter((call) => call === "ring").length;
      const [given, before] = [credits(), rung()];
      fake.message(9, "a", new Uint8Array(bytes));
      await take(node, 1);
      while (credits() === given) await turn();
      await turn();
      return rung() - before;
    };
    assertEquals(await rings(1), 0);
    assertEquals(await rings(1), 0);
    assertEquals(await rings(256 << 10), 1);
    assertEquals(await rings(1), 0);
    await node.close();
  }));

test("the link lets the program have a turn between megabytes", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    fake.event(1, quic);
    for (let i = 0; i < 40; i++) {
      fake.message(9, "a", new Uint8Array(1 << 17));
    }
    const seen: number[] = [];
    const look = () => {
      seen.push(node.getMessageQueueLength());
      if (seen.at(-1)! < 40) setImmediate(look);
    };
    await once(node, "readable");
    look();
    while (seen.at(-1) !== 40) await new Promise((r) => setImmediate(r));
    assertEquals(seen.length > 3, true);
    await node.close();
  }));

test("the link fails everything that waits when it is gone, and can open anew", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    fake.manual.add(Op.CONNECT);
    const connected = node.connectTo(["/ip4/127.0.0.1"]);
    const closed = once<{ reason: string }>(node, "close");
    const messages = node.messages();
    fake.gone = true;
    fake.fire();
    await rejectsWith("CLOSED", connected);
    assertEquals(typeof (await closed).detail.reason, "string");
    await node.closed;
    assertEquals((await messages.next()).done, true);
    assertEquals(await node.close(), await node.close());
    await rejectsWith("CLOSED", node.subscribeToTopic("self1::ps:a"));
    fake.gone = false;
    await (await P2P.create(options)).close();
  }));

test("a request is cancelled by its signal", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.CONNECT);
    const node = await P2P.create(options);
    const abort = new AbortController();
    const { signal } = abort;
    const connected = node.connectTo(["/ip4/127.0.0.1"], { signal });
    const { id } = await fake.request(Op.CONNECT);
    const reason = new Error("enough");
    abort.abort(reason);
    assertEquals(await assertRejects(() => connected), reason);
    assertEquals((await fake.request(Op.CANCEL)).handle, id);
    fake.answer(id, { code: "ABORTED", message: "cancelled" }, true);
    await node.close();
  }));

test("a request is not sent when its signal has aborted already", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(
      () => node.connectTo(["/ip4/127.0.0.1"], { signal }),
      Error,
      "enough",
    );
    assertEquals(fake.requests.some(({ op }) => op === Op.CONNECT), false);
    await node.close();
  }));

test("a request is cancelled by its timeout", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.CONNECT);
    const node = await P2P.create(options);
    const connected = node.connectTo(["/ip4/127.0.0.1"], { timeout: 5 });
    const error = await rejectsWith("TIMEOUT", connected);
    assertEquals(error.message, "connectTo took more than 5 ms");
    const { id } = await fake.request(Op.CONNECT);
    assertEquals((await fake.request(Op.CANCEL)).handle, id);
    await node.close();
  }));

test("a request that made a node after its caller had gone is undone", () =>
  withFake(async (fake) => {
    const other = await P2P.create(options);
    fake.manual.add(Op.CREATE);
    const abort = new AbortController();
    const { signal } = abort;
    const created = P2P.create({ identityDir: "./late" }, { signal });
    created.catch(() => {});
    while (fake.requests.filter(({ op }) => op === Op.CREATE).length < 2) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    abort.abort(new Error("enough"));
    await assertRejects(() => created, Error, "enough");
    const { id } = fake.requests.findLast(({ op }) => op === Op.CREATE)!;
    const late = { node: 42, peerId: "p", addresses: [], isPublic: null };
    fake.answer(id, late);
    assertEquals((await fake.request(Op.CLOSE)).handle, 42);
    await other.close();
  }));

test("a request carries the peer that a failure is about", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.DISCONNECT);
    const node = await P2P.create(options);
    const disconnected = node.disconnectFrom("bob");
    const { id } = await fake.request(Op.DISCONNECT);
    fake.answer(id, { code: "PEER_INVALID", message: "no peer id" }, true);
    const error = await rejectsWith("PEER_INVALID", disconnected);
    assertEquals([error.operation, error.peerId], ["disconnectFrom", "bob"]);
    await node.close();
  }));

test("the stack of a failed publication leads to who awaits it", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.PUBLISH);
    const node = await P2P.create(options);
    const published = node.broadcastMessage("a::ps:b", new Uint8Array(1));
    const { id } = await fake.request(Op.PUBLISH);
    fake.answer(id, { code: "TOPIC_FAILED", message: "no" }, true);
    try {
      await published;
    } catch (error) {
      assertMatch((error as Error).stack!, /link\.test\.ts/);
      await node.close();
      return;
    }
    throw new Error("it did not fail");
  }));

test("a node announces module and runtime and leaves out what Go does not know", () =>
  withFake(async (fake) => {
    const node = await P2P.create({ ...options, logSub: "world" });
    const body = json(await fake.request(Op.CREATE));
    assertEquals(body.agent, `unaiverse-p2p/${VERSION} (fake 1.0)`);
    assertEquals("logSub" in body, false);
    assertEquals(node.logSub, "world");
    await node.close();
  }));

test("a node is empty and refuses calls once it is closed", () =>
  withFake(async () => {
    const node = await P2P.create(options);
    assertEquals(node.peerId, "self1");
    const text = await node.close();
    assertEquals(text, "Node self1 closed.");
    assertEquals(await node.close(), text);
    await node.closed;
    assertEquals([node.peerId, node.addresses], [null, []]);
    assertEquals(node.getTopicPeers(), []);
    assertEquals(node.getMessageQueueLength(), 0);
    assertThrows(() => node.popMessages(), P2PError);
    assertThrows(() => node.messages(), P2PError);
    await rejectsWith("CLOSED", node.getNodeAddresses());
    const channel = "self1::dm:bob-x";
    const sent = node.sendMessageToPeer(channel, new Uint8Array([1]));
    assertEquals(
      (await rejectsWith("CLOSED", sent)).operation,
      "sendMessageToPeer",
    );
  }));

test("a node closes every node of the isolate when asked to", () =>
  withFake(async () => {
    const nodes = [await P2P.create(options), await P2P.create(options)];
    assertEquals(
      await nodes[0].close(true),
      "All nodes of this isolate closed (2).",
    );
    await nodes[1].closed;
  }));

test("a node keeps reachability, addresses and topics fresh", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    assertEquals([node.isPublic, node.getReachability()], [null, false]);
    const told = once<unknown>(node, "reachability");
    fake.event(1, { type: "topicpeers", topic: "a::ps:b", peers: ["bob"] });
    fake.event(1, {
      type: "topicpeers",
      topic: "a::ps:c",
      peers: ["bob", "eve"],
    });
    fake.event(1, { type: "addresses", addresses: ["/ip4/127.0.0.1"] });
    const reachability = { reachability: "public", isPublic: true };
    fake.event(1, { type: "reachability", ...reachability });
    assertEquals((await told).detail, reachability);
    assertEquals([node.isPublic, node.getReachability()], [true, true]);
    assertEquals(node.addresses, ["/ip4/127.0.0.1"]);
    assertEquals(node.getTopicPeers(), ["bob", "eve"]);
    assertEquals(node.getTopicPeers("a::ps:b"), ["bob"]);
    const left = once<unknown>(node, "topicpeers");
    fake.event(1, { type: "topicpeers", topic: "a::ps:c", peers: [] });
    assertEquals((await left).detail, { topic: "a::ps:c", peers: [] });
    assertEquals(node.getTopicPeers(), ["bob"]);
    await node.close();
  }));

test("a node gives credit back for what the program has taken", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    fake.event(1, quic);
    fake.message(9, "a", new Uint8Array(44));
    await once(node, "readable");
    assertEquals(fake.requests.some(({ op }) => op === Op.CREDIT), false);
    node.popMessages();
    const { handle, body } = await fake.request(Op.CREDIT);
    assertEquals([handle, ...body], [9, 300 & 255, 300 >> 8, 0, 0]);
    await node.close();
  }));

async function take(node: P2P, count: number) {
  const taken = [];
  for await (const message of node.messages()) {
    if (taken.push(message) === count) break;
  }
  return taken;
}

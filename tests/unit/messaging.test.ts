// Sending over a fake library: opening, the window, order, breaking streams.

import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { test } from "node:test";
import { P2PError } from "../../src/errors.ts";
import { MAX_ROUTES, Outlets } from "../../src/messaging.ts";
import { Op } from "../../src/native/codec.ts";
import { useLink } from "../../src/native/link.ts";
import { P2P } from "../../src/p2p.ts";
import { type FakeBinding, json, once, withFake } from "./fake_binding.ts";

const options = { identityDir: "./alice" };
const channel = "self1::dm:bob-x";
const MIB = 1 << 20;
const bytes = (...values: number[]) => new Uint8Array(values);

/** Whether a promise is still pending after what can run has run. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const waiting = Symbol();
  const turn = new Promise((resolve) => setTimeout(resolve, 0, waiting));
  return await Promise.race([promise, turn]) === waiting;
}

function sent(fake: FakeBinding, outlet = 1): number[] {
  return fake.outlets.get(outlet)!.frames.map(({ payload }) => payload[0]);
}

function count(fake: FakeBinding, op: number): number {
  return fake.requests.filter((request) => request.op === op).length;
}

test("sending opens one outlet a peer and keeps the order of the calls", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.OUTLET_OPEN);
    const node = await P2P.create(options);
    const data = bytes(1);
    const sends = [node.sendMessageToPeer(channel, data)];
    data[0] = 2;
    sends.push(node.sendMessageToPeer("self1::dm:bob-other", data));
    const open = await fake.request(Op.OUTLET_OPEN);
    assertEquals(json(open), { outlet: 1, peer: "bob" });
    assertEquals(await isPending(sends[0]), true);
    fake.answer(open.id, { limited: false });
    await Promise.all(sends);
    await node.sendMessageToPeer(channel, bytes(3).buffer);
    await node.sendMessageToPeer(
      channel,
      new DataView(bytes(0, 4).buffer, 1),
    );
    assertEquals(sent(fake), [1, 2, 3, 4]);
    assertEquals(
      fake.outlets.get(1)!.frames.map(({ channel }) => channel.slice(-1)),
      ["x", "r", "x", "x"],
    );
    assertEquals(count(fake, Op.OUTLET_OPEN), 1);
    await node.close();
  }));

test("sending fails every message that waited when the peer cannot be reached", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.OUTLET_OPEN);
    const node = await P2P.create(options);
    const sends = [1, 2].map((n) => node.sendMessageToPeer(channel, bytes(n)));
    const { id } = await fake.request(Op.OUTLET_OPEN);
    fake.answer(id, { code: "DIAL_FAILED", message: "nobody there" }, true);
    for (const send of sends) {
      const error = await assertRejects(() => send);
      assertInstanceOf(error, P2PError);
      assertEquals([error.code, error.peerId], ["DIAL_FAILED", "bob"]);
    }
    fake.manual.clear();
    await node.sendMessageToPeer(channel, bytes(3));
    assertEquals(sent(fake, 2), [3]);
    await node.close();
  }));

test("sending waits when the window is full and goes on when there is room", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    for (let i = 0; i < 4; i++) {
      const data = new Uint8Array(MIB).fill(i);
      await node.sendMessageToPeer(channel, data);
    }
    const fifth = node.sendMessageToPeer(channel, bytes(4));
    const sixth = node.sendMessageToPeer(channel, bytes(5));
    assertEquals(await isPending(fifth), true);
    assertEquals(sent(fake), [0, 1, 2, 3]);
    fake.written(1);
    await Promise.all([fifth, sixth]);
    assertEquals(sent(fake), [0, 1, 2, 3, 4, 5]);
    await node.close();
  }));

test("sending lets a message larger than the window go alone", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await node.sendMessageToPeer(channel, bytes(1));
    const large = new Uint8Array(5 * MIB).fill(2);
    const second = node.sendMessageToPeer(channel, large);
    const third = node.sendMessageToPeer(channel, bytes(3));
    assertEquals(await isPending(second), true);
    fake.written(1);
    await second;
    assertEquals(await isPending(third), true);
    assertEquals(sent(fake), [1, 2]);
    fake.written(1);
    await third;
    await node.close();
  }));

test("sending forgets a message whose call has ended, and keeps the others", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await node.sendMessageToPeer(channel, new Uint8Array(4 * MIB));
    const timeout = 5;
    const one = node.sendMessageToPeer(channel, bytes(1), { timeout });
    const two = node.sendMessageToPeer(channel, bytes(2));
    const error = await assertRejects(() => one);
    assertInstanceOf(error, P2PError);
    assertEquals(error.code, "TIMEOUT");
    fake.written(1);
    await two;
    assertEquals(sent(fake), [0, 2]);
    await node.close();
  }));

test("sending stops opening when nobody waits for it any more", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.OUTLET_OPEN);
    const node = await P2P.create(options);
    const abort = new AbortController();
    const { signal } = abort;
    const sends = [1, 2].map((n) =>
      node.sendMessageToPeer(channel, bytes(n), { signal })
    );
    const { id } = await fake.request(Op.OUTLET_OPEN);
    abort.abort(new Error("enough"));
    for (const send of sends) {
      await assertRejects(() => send, Error, "enough");
    }
    assertEquals((await fake.request(Op.CANCEL)).handle, id);
    assertEquals((await fake.request(Op.OUTLET_CLOSE)).handle, 1);
    fake.manual.clear();
    await node.sendMessageToPeer(channel, bytes(3));
    assertEquals([sent(fake), sent(fake, 2)], [[], [3]]);
    await node.close();
  }));

test("sending opens a broken stream again for what waits, and tells what was lost", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await node.sendMessageToPeer(channel, new Uint8Array(4 * MIB));
    const waiting = node.sendMessageToPeer(channel, bytes(1));
    const dropped = once<unknown>(node, "drop");
    const lost = { lostMessages: 1, lostBytes: 4 * MIB };
    const down = { type: "outletdown", outlet: 1, peer: "bob", ...lost };
    fake.outlets.get(1)!.outstanding = 0;
    fake.event(1, { ...down, code: "STREAM_FAILED", message: "reset" });
    await waiting;
    assertEquals((await dropped).detail, {
      reason: "stream-failed",
      peerId: "bob",
      messages: 1,
      bytes: 4 * MIB,
    });
    assertEquals(count(fake, Op.OUTLET_OPEN), 2);
    assertEquals(sent(fake), [0, 1]);
    await node.close();
  }));

test("sending gives an outlet back whose stream broke while nothing waited", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await node.sendMessageToPeer(channel, bytes(1));
    fake.written(1);
    const down = { type: "outletdown", outlet: 1, peer: "bob" };
    fake.event(1, { ...down, code: "STREAM_FAILED", lostMessages: 0 });
    assertEquals((await fake.request(Op.OUTLET_CLOSE)).handle, 1);
    await node.sendMessageToPeer(channel, bytes(2));
    assertEquals(sent(fake, 2), [2]);
    await node.close();
  }));

test("what is sent after a peer was lost waits for a path, also where there was room", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await node.sendMessageToPeer(channel, bytes(1));
    fake.manual.add(Op.OUTLET_OPEN);
    const down = { type: "outletdown", outlet: 1, peer: "bob" };
    const lost = { lostMessages: 1, lostBytes: 1 };
    fake.event(1, { ...down, code: "DIAL_FAILED", message: "gone", ...lost });
    await once(node, "drop");
    fake.requests.length = 0;
    const next = node.sendMessageToPeer(channel, bytes(2));
    const { id } = await fake.request(Op.OUTLET_OPEN);
    fake.written(1);
    assertEquals(await isPending(next), true);
    assertEquals(sent(fake), [1]);
    fake.answer(id, { code: "DIAL_FAILED", message: "still gone" }, true);
    await assertRejects(() => next, P2PError, "still gone");
    fake.manual.clear();
    await node.close();
  }));

test("disconnecting refuses what waits, and what is sent meanwhile goes out when it is done", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await node.sendMessageToPeer(channel, new Uint8Array(4 * MIB));
    const waits = node.sendMessageToPeer(channel, bytes(1));
    fake.manual.add(Op.DISCONNECT);
    const disconnected = node.disconnectFrom("bob");
    await assertRejects(() => waits, P2PError, "disconnectFrom was called");
    const { id } = await fake.request(Op.DISCONNECT);
    const ops = fake.requests.map(({ op }) => op);
    assertEquals(
      ops.indexOf(Op.OUTLET_CLOSE) < ops.indexOf(Op.DISCONNECT),
      true,
    );
    const next = node.sendMessageToPeer(channel, bytes(2));
    assertEquals(await isPending(next), true);
    assertEquals(count(fake, Op.OUTLET_OPEN), 1);
    fake.answer(id, undefined);
    await Promise.all([disconnected, next]);
    assertEquals(sent(fake, 2), [2]);
    await node.close();
  }));

test("closing waits as long as it is told to, and its confirmation says what did not arrive", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    fake.manual.add(Op.CLOSE);
    const drops: unknown[] = [];
    node.addEventListener("drop", ({ detail }) => drops.push(detail));
    const closed = node.close({ timeout: 1234 });
    const close = await fake.request(Op.CLOSE);
    assertEquals(json(close), { timeout: 1234 });
    const down = { type: "outletdown", outlet: 1, peer: "bob" };
    const lost = { lostMessages: 2, lostBytes: 20 };
    fake.event(1, { ...down, code: "STREAM_FAILED", message: "", ...lost });
    const drop = { type: "drop", peer: "bob", messages: 3, bytes: 30 };
    fake.event(1, { ...drop, reason: "unconfirmed", upTo: true });
    fake.answer(close.id, undefined);
    assertEquals(
      await closed,
      "Node self1 closed; up to 5 messages (50 bytes) did not arrive.",
    );
    assertEquals(drops, [
      { reason: "stream-failed", peerId: "bob", messages: 2, bytes: 20 },
      {
        reason: "unconfirmed",
        peerId: "bob",
        messages: 3,
        bytes: 30,
        upTo: true,
      },
    ]);
  }));

test("sending over a limited circuit goes one by one, each accepted when it is written", () =>
  withFake(async (fake) => {
    fake.limited = true;
    const node = await P2P.create(options);
    const sends = [1, 2, 3].map((n) =>
      node.sendMessageToPeer(channel, bytes(n))
    );
    await fake.request(Op.OUTLET_OPEN);
    assertEquals(await isPending(sends[0]), true);
    assertEquals(sent(fake), [1]);
    fake.written(1);
    await sends[0];
    assertEquals(await isPending(sends[1]), true);
    assertEquals(sent(fake), [1, 2]);
    const lost = { lostMessages: 1, lostBytes: 1 };
    const down = { type: "outletdown", outlet: 1, peer: "bob", ...lost };
    const drops: unknown[] = [];
    node.addEventListener("drop", ({ detail }) => drops.push(detail));
    const refused = assertRejects(() => sends[1], P2PError, "too much");
    fake.event(1, { ...down, code: "RELAY_LIMIT", message: "too much" });
    assertEquals((await refused as P2PError).code, "RELAY_LIMIT");
    fake.written(1);
    assertEquals(await isPending(sends[2]), true);
    assertEquals(sent(fake), [1, 2, 3]);
    fake.event(1, { type: "outletlimited", outlet: 1, limited: false });
    const more = node.sendMessageToPeer(channel, bytes(4));
    fake.written(1);
    await Promise.all([sends[2], more]);
    await node.sendMessageToPeer(channel, bytes(5));
    assertEquals(sent(fake), [1, 2, 3, 4, 5]);
    assertEquals([drops, count(fake, Op.OUTLET_OPEN)], [[], 1]);
    await node.close();
  }));

test("sending over a limited circuit takes no refused message for an accepted one, however soon it is refused", () =>
  withFake(async (fake) => {
    fake.limited = true;
    const { send } = fake;
    fake.send = (link, outlet, slot, payload) => {
      const outstanding = send(link, outlet, slot, payload, 1);
      const lost = { lostMessages: 1, lostBytes: 1 };
      const down = { type: "outletdown", outlet, peer: "bob", ...lost };
      fake.event(1, { ...down, code: "RELAY_LIMIT", message: "too much" });
      fake.written(outlet);
      return outstanding;
    };
    const node = await P2P.create(options);
    const sends = [1, 2, 3].map((n) =>
      node.sendMessageToPeer(channel, bytes(n))
    );
    for (const send of sends) {
      await assertRejects(() => send, P2PError, "too much");
    }
    fake.send = send;
    const last = node.sendMessageToPeer(channel, bytes(4));
    assertEquals(await isPending(last), true);
    fake.written(1);
    await last;
    assertEquals(sent(fake), [1, 2, 3, 4]);
    await node.close();
  }));

test("sending names each of more channels than there are slots", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    const names = Array.from(
      { length: 5000 },
      (_, i) => `self1::dm:bob-${i}`,
    );
    for (const name of [...names, names[0]]) {
      await node.sendMessageToPeer(name, bytes(1));
    }
    assertEquals(
      fake.outlets.get(1)!.frames.map(({ channel }) => channel),
      [...names, names[0]],
    );
    await node.close();
  }));

test("sending refuses what did not find room when the node is closed", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await node.sendMessageToPeer(channel, new Uint8Array(4 * MIB));
    const waiting = node.sendMessageToPeer(channel, bytes(1));
    const refused = assertRejects(() => waiting, P2PError, "closed");
    await node.close();
    await refused;
    assertEquals(sent(fake), [0]);
  }));

test("sending refuses wrong arguments before anything is sent", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    const send = (channel: unknown, data: unknown) => () =>
      node.sendMessageToPeer(channel as string, data as Uint8Array);
    await assertRejects(send(channel, bytes()), RangeError, "empty");
    await assertRejects(send(channel, ""), RangeError, "empty");
    await assertRejects(send(channel, [1]), TypeError, "Uint8Array");
    await assertRejects(send(1, bytes(1)), TypeError, "channel");
    await assertRejects(send("self1::ps:x", bytes(1)), RangeError);
    await assertRejects(send("a::dm:bob-x", bytes(1)), RangeError, "self1");
    await assertRejects(
      send("self1::dm:self1-x", bytes(1)),
      P2PError,
      "itself",
    );
    const most = 50 * MIB - 1 - channel.length;
    await assertRejects(
      send(channel, new Uint8Array(most + 1)),
      RangeError,
      "52428800",
    );
    assertEquals(count(fake, Op.OUTLET_OPEN), 0);
    await node.sendMessageToPeer(channel, new Uint8Array(most));
    await node.close();
  }));

test("broadcasting carries topic and payload, and refuses a direct channel", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await node.broadcastMessage("a::ps:b", bytes(1, 2));
    const { body } = await fake.request(Op.PUBLISH);
    assertEquals([...body.subarray(0, 4)], [7, 0, 0, 0]);
    assertEquals(new TextDecoder().decode(body.subarray(4, 11)), "a::ps:b");
    assertEquals([...body.subarray(11)], [1, 2]);
    const direct = () => node.broadcastMessage("a::dm:b-c", bytes(1));
    await assertRejects(direct, RangeError);
    await node.close();
  }));

test("where a channel leads is remembered of so many channels and no more", () =>
  withFake(async () => {
    const link = useLink();
    await link.ready;
    const outlets = new Outlets(link, 1, "self1", MIB, true);
    for (let i = 0; i <= MAX_ROUTES; i++) {
      outlets.route(`self1::dm:bob-${i}`);
      assertEquals(outlets.routes, Math.min(i + 1, MAX_ROUTES));
    }
    outlets.close(false);
    await link.release();
  }));

// A sender over a fake library: what opens the stream, who waits, and for how long.

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { P2PError } from "../../src/errors.ts";
import { Op } from "../../src/native/codec.ts";
import { Outlet } from "../../src/outlet.ts";
import { P2P } from "../../src/p2p.ts";
import { type FakeBinding, withFake } from "./fake_binding.ts";

const options = { identityDir: "./alice" };
const channel = "self1::dm:bob-x";
const bytes = (...values: number[]) => new Uint8Array(values);
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

function opened(fake: FakeBinding): number {
  return fake.requests.filter(({ op }) => op === Op.OUTLET_OPEN).length;
}

test("looking at a sender's ready does nothing", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    const sender = node.sender(channel);
    assertEquals(`${sender.ready}`, "[object Promise]");
    assertEquals(sender.ready, sender.ready);
    await turn();
    assertEquals(opened(fake), 0);
    await sender.ready;
    assertEquals(opened(fake), 1);
    await node.close();
  }));

test("a sender's first send opens the stream, and what is sent once it is open goes", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.OUTLET_OPEN);
    const node = await P2P.create(options);
    const sender = node.sender(channel);
    for (let i = 0; i < 20; i++) assertEquals(sender.send(bytes(i)), false);
    const { id } = await fake.request(Op.OUTLET_OPEN);
    fake.answer(id, { limited: false });
    await sender.ready;
    assertEquals(sender.send(bytes(20)), true);
    assertEquals(opened(fake), 1);
    const frames = fake.outlets.get(1)!.frames;
    assertEquals(frames.map(({ payload }) => [...payload]), [[20]]);
    await node.close();
  }));

test("however many wait for a sender, and poll it, one waits in the queue", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.OUTLET_OPEN);
    const node = await P2P.create(options);
    const { ready } = Outlet.prototype;
    let waiters = 0;
    Outlet.prototype.ready = function () {
      waiters++;
      return ready.call(this);
    };
    try {
      const sender = node.sender(channel);
      let woken = 0;
      for (let i = 0; i < 20_000; i++) {
        sender.send(bytes(1));
        sender.ready.then(() => woken++);
        sender.whenReady().then(() => woken++);
      }
      const { id } = await fake.request(Op.OUTLET_OPEN);
      fake.answer(id, { limited: false });
      await sender.ready;
      await turn();
      assertEquals([waiters, woken], [1, 40_000]);
    } finally {
      Outlet.prototype.ready = ready;
    }
    await node.close();
  }));

test("a failure that nobody waited for is nobody's, and the next wait tries again", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.OUTLET_OPEN);
    const node = await P2P.create(options);
    const sender = node.sender(channel);
    sender.ready;
    sender.send(bytes(1));
    const { id } = await fake.request(Op.OUTLET_OPEN);
    fake.answer(id, { code: "DIAL_FAILED", message: "nobody there" }, true);
    await turn();
    await turn();
    fake.manual.clear();
    await sender.ready;
    assertEquals(opened(fake), 2);
    await node.close();
    await assertRejects(() => sender.ready, P2PError, "closed");
    await assertRejects(() => sender.whenReady(), P2PError, "closed");
  }));

test("waiting for a sender ends with its signal or timeout, and the stream goes on opening", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.OUTLET_OPEN);
    const node = await P2P.create(options);
    const sender = node.sender(channel);
    const error = await assertRejects(
      () => sender.whenReady({ timeout: 5 }),
      P2PError,
      "sender.whenReady took more than 5 ms",
    );
    assertEquals((error as P2PError).code, "TIMEOUT");
    const abort = new AbortController();
    const { signal } = abort;
    const waiting = sender.whenReady({ signal });
    const reason = new Error("enough");
    abort.abort(reason);
    assertEquals(await assertRejects(() => waiting), reason);
    assertEquals(
      await assertRejects(() => sender.whenReady({ signal })),
      reason,
    );
    const others = sender.ready.then(() => "open");
    const { id } = await fake.request(Op.OUTLET_OPEN);
    fake.answer(id, { limited: false });
    assertEquals(await others, "open");
    assertEquals(opened(fake), 1);
    await node.close();
  }));

test("closing a sender ends with its timeout, and the sender is closed all the same", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    const sender = node.sender(channel);
    await sender.ready;
    sender.send(bytes(1));
    const error = await assertRejects(
      () => sender.close({ timeout: 5 }),
      P2PError,
    );
    assertEquals((error as P2PError).code, "TIMEOUT");
    assertThrows(() => sender.send(bytes(2)), P2PError, "closed");
    const closing = sender.close();
    const signal = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => sender.close({ signal }), Error, "enough");
    fake.written(1);
    await closing;
    await node.sendMessageToPeer(channel, bytes(3));
    await node.close();
  }));

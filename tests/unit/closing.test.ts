// The end of a node over a fake library: what goes out yet, and whom it concerns.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { P2PError } from "../../src/errors.ts";
import { Op } from "../../src/native/codec.ts";
import { P2P } from "../../src/p2p.ts";
import { withFake } from "./fake_binding.ts";

const options = { identityDir: "./alice" };
const channel = "self1::dm:bob-x";
const WINDOW = 4 << 20;

test("closing hands over what waits, where there is room of which nobody has told yet", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await node.sendMessageToPeer(channel, new Uint8Array(WINDOW));
    const waiting = [1, 2].map((byte) =>
      node.sendMessageToPeer(channel, new Uint8Array([byte]))
    );
    fake.written(1);
    const closed = node.close();
    await Promise.all(waiting);
    const sent = fake.outlets.get(1)!.frames.map(({ payload }) => payload[0]);
    assertEquals(sent, [0, 1, 2]);
    assertEquals(fake.requests.at(-1)?.op, Op.CLOSE);
    await closed;
  }));

test("closing hands over no more than there is room for", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    await node.sendMessageToPeer(channel, new Uint8Array(WINDOW));
    const [fits, follows] = [1, 2].map((byte) =>
      node.sendMessageToPeer(channel, new Uint8Array(WINDOW).fill(byte))
    );
    const refused = assertRejects(() => follows, P2PError, "closed");
    fake.written(1);
    await Promise.all([node.close(), fits, refused]);
    assertEquals(fake.outlets.get(1)!.frames.length, 2);
  }));

test("closing a node fails what was asked of it, and of no other", () =>
  withFake(async (fake) => {
    const [one, other] = [await P2P.create(options), await P2P.create(options)];
    fake.manual.add(Op.CONNECT);
    const asked = (node: P2P) => node.connectTo(["/ip4/127.0.0.1/tcp/1"]);
    const failed = assertRejects(() => asked(one), P2PError, "closed");
    const answered = asked(other);
    await Promise.all([one.close(), failed]);
    const [, { id }] = fake.requests.filter(({ op }) => op === Op.CONNECT);
    fake.answer(id, { id: "bob", addrs: [] });
    assertEquals(await answered, { id: "bob", addrs: [] });
    await other.close();
  }));

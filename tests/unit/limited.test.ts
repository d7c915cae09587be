// Streams that a relay begins to limit while they are in use, over a fake library.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { P2P } from "../../src/p2p.ts";
import { withFake } from "./fake_binding.ts";

const channel = "self1::dm:bob-x";

test("what is sent when a relay begins to limit a stream waits for what was sent before, and goes one by one", () =>
  withFake(async (fake) => {
    const node = await P2P.create({ identityDir: "./alice" });
    const send = (byte: number) =>
      node.sendMessageToPeer(channel, new Uint8Array([byte]));
    const sent = () =>
      fake.outlets.get(1)!.frames.map(({ payload }) => payload[0]);
    await send(1);
    fake.event(1, { type: "outletlimited", outlet: 1, limited: true });
    await node.subscribeToTopic("comes::ps:after");
    const sends = [send(2), send(3)];
    assertEquals(sent(), [1]);
    fake.written(1);
    await node.subscribeToTopic("comes::ps:later");
    assertEquals(sent(), [1, 2]);
    fake.written(1);
    await sends[0];
    assertEquals(sent(), [1, 2, 3]);
    fake.written(1);
    await sends[1];
    await node.close();
  }));

// What a node hands out is a copy: a program may change it, and the node still knows better.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { P2P } from "../../src/p2p.ts";
import { type FakeBinding, once, withFake } from "./fake_binding.ts";

const bob = {
  id: "bob",
  addrs: ["/ip4/192.0.2.1/tcp/4001"],
  connectedAt: "2026-01-01T00:00:00Z",
  direction: "inbound",
  misc: 0,
  relayed: false,
  transport: "quic",
};
const open = [{ peerId: "bob", state: "open" }];

/** Changes everything in a value that can be changed. */
function ruin(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    ruin(inner);
    (value as Record<string, unknown>)[key] = "ruined";
  }
  if (Array.isArray(value)) value.push("ruined");
}

/** A node, and what it tells with an event. */
async function told(
  fake: FakeBinding,
  event: { type: string } & Record<string, unknown>,
): Promise<{ node: P2P; detail: unknown }> {
  const node = await P2P.create({ identityDir: "./alice" });
  const announced = once<CustomEvent>(node, event.type);
  fake.event(1, event);
  return { node, detail: (await announced).detail };
}

for (
  const [what, event, ask, expected] of [
    [
      "addresses",
      { type: "addresses", addresses: ["/ip4/192.0.2.1", "/ip4/192.0.2.2"] },
      (node: P2P) => node.addresses,
      ["/ip4/192.0.2.1", "/ip4/192.0.2.2"],
    ],
    [
      "connected peers",
      { type: "peerconnect", peer: bob },
      (node: P2P) => node.getConnectedPeersInfo(),
      [bob],
    ],
    [
      "peers of all topics",
      { type: "topicpeers", topic: "x::ps:t", peers: ["bob"] },
      (node: P2P) => node.getTopicPeers(),
      ["bob"],
    ],
    [
      "peers of one topic",
      { type: "topicpeers", topic: "x::ps:t", peers: ["bob"] },
      (node: P2P) => node.getTopicPeers("x::ps:t"),
      ["bob"],
    ],
    [
      "WebRTC connections",
      { type: "webrtc", connections: open },
      (node: P2P) => node.getWebrtcConnections(),
      open,
    ],
  ] as const
) {
  test(`the ${what} that are asked for are a copy`, () =>
    withFake(async (fake) => {
      const { node } = await told(fake, event);
      const given: unknown = ask(node);
      assertEquals(given, expected);
      ruin(given);
      assertEquals(ask(node) as unknown, expected);
      await node.close();
    }));

  test(`the ${what} that an event tells are a copy`, () =>
    withFake(async (fake) => {
      const { node, detail } = await told(fake, event);
      ruin(detail);
      assertEquals(ask(node) as unknown, expected);
      await node.close();
    }));
}

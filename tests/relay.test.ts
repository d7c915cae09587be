// Relays: reservations, and messages through circuits with and without limits, between real nodes.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { type ConnectedPeer, type P2P, P2PError } from "../mod.ts";
import { type Circuit, withCircuit } from "./support/circuit.ts";
import { connect, createNode, directChannel } from "./support/node.ts";
import { bytes, decode, encode, once, take } from "./support/wait.ts";

/** What a node knows of another one. */
function find(node: P2P, other: P2P): ConnectedPeer | undefined {
  return node.getConnectedPeersInfo().find(({ id }) => id === other.peerId);
}

test("a reservation has an expiry in UTC and gives addresses by way of the relay", () =>
  withCircuit({}, {}, async ({ relay, bob, through }) => {
    const expires = await bob.reserveOnRelay(relay.peerId!);
    assert(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(expires), expires);
    const minutes = (Date.parse(expires) - Date.now()) / 60_000;
    assert(minutes > 50 && minutes < 61, `${minutes} minutes`);
    const middle = `/p2p/${relay.peerId}/p2p-circuit/p2p/${bob.peerId}`;
    assert(through.length > 0);
    for (const address of through) {
      assert(address.endsWith(middle), address);
      assert(bob.addresses.includes(address), address);
    }
  }));

test("a reservation and its addresses are gone with the connection to the relay", () =>
  withCircuit({}, {}, async ({ relay, bob, through }) => {
    const lost = once(bob, "reservationlost");
    await bob.disconnectFrom(relay.peerId!);
    assertEquals((await lost).detail.relay, relay.peerId);
    assertEquals(
      bob.addresses.filter((address) => through.includes(address)),
      [],
    );
  }));

for (
  const transport of [
    "tcp",
    "quic",
    "ws",
    "webtransport",
    "webrtc-direct",
  ] as const
) {
  test(`messages go both ways through a relay that is reached over ${transport}`, () => {
    const transports = [transport];
    return withCircuit({ transports }, { transports }, goBothWays);
  });
}

async function goBothWays({ alice, bob, through }: Circuit): Promise<void> {
  await alice.connectTo(through);
  await alice.sendMessageToPeer(directChannel(alice, bob), encode("there"));
  const [there] = await take(bob, 1);
  assertEquals([decode(there.data), there.transport], ["there", "relay"]);
  await bob.sendMessageToPeer(directChannel(bob, alice), encode("back"));
  const [back] = await take(alice, 1);
  assertEquals([decode(back.data), back.transport], ["back", "relay"]);
  for (const [node, other] of [[alice, bob], [bob, alice]]) {
    const peer = find(node, other);
    assertEquals([peer?.relayed, peer?.transport], [true, "relay"]);
  }
}

test("what a relay would not let through is refused, and all that was accepted arrives", () =>
  withCircuit({}, {}, async ({ alice, bob, through }) => {
    await alice.connectTo(through);
    const channel = directChannel(alice, bob);
    const results = await Promise.allSettled(
      Array.from(
        { length: 10 },
        (_, i) => alice.sendMessageToPeer(channel, bytes(16 << 10, i)),
      ),
    );
    const accepted = results.filter(({ status }) => status === "fulfilled");
    assert(accepted.length >= 5 && accepted.length < 10);
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      assert(result.reason instanceof P2PError);
      assertEquals(result.reason.code, "RELAY_LIMIT");
    }
    await take(bob, accepted.length);
    // A small message still fits, and comes next.
    await alice.sendMessageToPeer(channel, encode("last"));
    assertEquals(decode((await take(bob, 1))[0].data), "last");
  }));

test("a relay with broad limits lets everything through", () =>
  withCircuit({ useBroadLimits: true }, {}, async ({ alice, bob, through }) => {
    await alice.connectTo(through);
    const channel = directChannel(alice, bob);
    for (let i = 0; i < 20; i++) {
      await alice.sendMessageToPeer(channel, bytes(100_000, i));
    }
    await take(bob, 20);
  }));

test("naming a direct address replaces a relayed connection, and messages go over to it", () =>
  withCircuit({}, {}, async ({ alice, bob, through }) => {
    await alice.connectTo(through);
    const channel = directChannel(alice, bob);
    await alice.sendMessageToPeer(channel, encode("relayed"));
    await alice.connectTo(
      bob.addresses.filter((address) => !through.includes(address)),
    );
    let last = "relay";
    for (let i = 0; last === "relay"; i++) {
      await alice.sendMessageToPeer(channel, encode(`${i}`));
      const [message] = await take(bob, 1);
      last = message.transport;
    }
    assertEquals(find(alice, bob)?.relayed, false);
  }));

test("a node that is no relay gives no reservation", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const error = await assertRejects(
    () => alice.reserveOnRelay(bob.peerId!),
    P2PError,
    "no reservation",
  );
  assertEquals([error.code, error.peerId], ["RESERVATION_FAILED", bob.peerId]);
});

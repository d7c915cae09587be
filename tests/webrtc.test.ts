// The fallback to WebRTC between nodes that have a relay only.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import type { P2P } from "../mod.ts";
import { withCircuit } from "./support/circuit.ts";
import { directChannel } from "./support/node.ts";
import {
  assertSameBytes,
  bytes,
  decode,
  encode,
  take,
  until,
} from "./support/wait.ts";

const FALLBACK = { webrtcEnabled: true, webrtcWait: 0 };
const MIB = 1 << 20;

function isOpen(node: P2P, other: P2P): boolean {
  return node.getWebrtcConnections().some(({ peerId, state }) =>
    peerId === other.peerId && state === "open"
  );
}

async function open(alice: P2P, bob: P2P): Promise<void> {
  await until(
    () => isOpen(alice, bob) && isOpen(bob, alice),
    "a WebRTC connection is open",
  );
}

test("messages go over from the relay to WebRTC, each once and in order", () =>
  withCircuit({}, FALLBACK, async ({ alice, bob, through }) => {
    await alice.connectTo(through);
    const channel = directChannel(alice, bob);
    const transports = new Set<string>();
    let sent = 0;
    for (let received = 0; !transports.has("webrtc"); received++) {
      await alice.sendMessageToPeer(channel, encode(`${sent++}`));
      const [message] = await take(bob, 1);
      assertEquals(decode(message.data), `${received}`);
      transports.add(message.transport);
    }
    assert(transports.has("relay"));
    const taken = take(bob, 20);
    for (let i = 0; i < 20; i++) {
      await alice.sendMessageToPeer(channel, bytes(MIB, i));
    }
    const messages = await taken;
    messages.forEach(({ data, transport, from }, i) => {
      assertSameBytes(data, bytes(MIB, i));
      assertEquals([transport, from], ["webrtc", alice.peerId]);
    });
    await bob.sendMessageToPeer(directChannel(bob, alice), encode("back"));
    assertEquals((await take(alice, 1))[0].transport, "webrtc");
  }));

test("a WebRTC connection is told of as it comes and goes", () =>
  withCircuit({}, FALLBACK, async ({ alice, bob, through }) => {
    const states: string[] = [];
    alice.addEventListener("webrtc", ({ detail: { connections } }) => {
      states.push(connections.map(({ state }) => state).join());
    });
    await alice.connectTo(through);
    await open(alice, bob);
    const known = alice.getConnectedPeersInfo().find(({ id }) =>
      id === bob.peerId
    );
    assertEquals([known?.relayed, known?.transport], [false, "webrtc"]);
    await alice.disconnectFrom(bob.peerId!);
    await until(
      () => bob.getWebrtcConnections().length === 0,
      "the other side knows that it has ended",
    );
    assertEquals(alice.getWebrtcConnections(), []);
    assertEquals(states.slice(0, 2), ["connecting", "open"]);
    assertEquals(states.at(-1), "");
  }));

test("what was sent over WebRTC arrives although the sender closes at once", () =>
  withCircuit({}, FALLBACK, async ({ alice, bob, through }) => {
    await alice.connectTo(through);
    await open(alice, bob);
    const channel = directChannel(alice, bob);
    for (let i = 0; i < 3; i++) {
      await alice.sendMessageToPeer(channel, bytes(MIB, i));
    }
    await alice.close();
    await take(bob, 3);
  }));

test("ICE servers are replaced, kept or taken away", () =>
  withCircuit({}, FALLBACK, async ({ alice, bob, through }) => {
    // Nobody is there: gathering gives up on it, and the connection opens without.
    await alice.setIceConfig({ stunServers: ["stun:127.0.0.1:9"] });
    await alice.setTurnCredentials([{
      urls: "turn:127.0.0.1:9",
      username: "alice",
      credential: "secret",
    }]);
    await alice.setIceConfig({ stunServers: [], turnServers: [] });
    await alice.connectTo(through);
    await open(alice, bob);
  }));

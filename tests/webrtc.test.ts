// The fallback to WebRTC between nodes that have a relay only.

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Socket } from "node:dgram";
import { test } from "node:test";
import { type P2P, P2PError } from "../mod.ts";
import { type Circuit, withCircuit } from "./support/circuit.ts";
import { createNode, directChannel } from "./support/node.ts";
import { startStun } from "./support/stun.ts";
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
/** Messages of 1 MiB, which are in many pieces under way. */
const LARGE = 5;

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

/** Calls `fn` with a STUN server, which answers once `ready` has resolved. */
async function withStun(
  ready: Promise<void>,
  fn: (uri: string, socket: Socket) => Promise<void>,
): Promise<void> {
  const socket = await startStun("127.0.0.1", 0, ready);
  try {
    await fn(`stun:127.0.0.1:${socket.address().port}`, socket);
  } finally {
    socket.close();
  }
}

test("messages go over from the relay to WebRTC, each once and in order", async () => {
  // Nobody knows its addresses, and so nobody offers WebRTC, before the first message has come.
  const first = Promise.withResolvers<void>();
  await withStun(first.promise, async (uri) => {
    const options = { ...FALLBACK, iceStunServers: [uri] };
    await withCircuit({}, options, async (circuit) => {
      await goOver(circuit, first.resolve);
    });
  });
});

async function goOver(
  { alice, bob, through }: Circuit,
  first: () => void,
): Promise<void> {
  await alice.connectTo(through);
  const channel = directChannel(alice, bob);
  const transports = new Set<string>();
  let sent = 0;
  for (let received = 0; !transports.has("webrtc"); received++) {
    await alice.sendMessageToPeer(channel, encode(`${sent++}`));
    const [message] = await take(bob, 1);
    assertEquals(decode(message.data), `${received}`);
    transports.add(message.transport);
    first();
  }
  assert(transports.has("relay"));
  const taken = take(bob, LARGE);
  for (let i = 0; i < LARGE; i++) {
    await alice.sendMessageToPeer(channel, bytes(MIB, i));
  }
  const messages = await taken;
  messages.forEach(({ data, transport, from }, i) => {
    assertSameBytes(data, bytes(MIB, i));
    assertEquals([transport, from], ["webrtc", alice.peerId]);
  });
  await bob.sendMessageToPeer(directChannel(bob, alice), encode("back"));
  assertEquals((await take(alice, 1))[0].transport, "webrtc");
}

test("a WebRTC connection is told of as it comes and goes", () =>
  withCircuit({}, FALLBACK, async ({ alice, bob, through }) => {
    const find = () =>
      alice.getConnectedPeersInfo().find(({ id }) => id === bob.peerId);
    const states: string[] = [];
    const transports = new Set<string | undefined>();
    alice.addEventListener("webrtc", ({ detail: { connections } }) => {
      states.push(connections.map(({ state }) => state).join());
      if (states.at(-1) === "open") transports.add(find()?.transport);
    });
    await alice.connectTo(through);
    await open(alice, bob);
    assertEquals([find()?.relayed, ...transports], [false, "webrtc"]);
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

test("the STUN servers that are set are asked, and no others", () =>
  withStun(Promise.resolve(), async (uri, socket) => {
    let asked = 0;
    socket.on("message", () => asked++);
    const askedWhen = async (
      created: string[],
      set: string[] | null,
    ): Promise<boolean> => {
      const before = asked;
      const options = { ...FALLBACK, iceStunServers: created };
      await withCircuit({}, options, async ({ alice, bob, through }) => {
        for (const node of set === null ? [] : [alice, bob]) {
          await node.setIceConfig({ stunServers: set });
        }
        await alice.connectTo(through);
        await open(alice, bob);
      });
      return asked > before;
    };
    assert(await askedWhen([uri], null), "those of the options");
    assert(await askedWhen([], [uri]), "those that replace them");
    assert(!await askedWhen([uri], []), "none when all are taken away");
    assert(!await askedWhen([], null), "none by default");
  }));

test("servers that nobody could use are refused by name, and those of before stay", async () => {
  const wrong = ["stun:127.0.0.1", "stun.example.org:3478"];
  const created = await assertRejects(
    () => createNode({ iceStunServers: wrong }),
    P2PError,
  );
  assertEquals([created.code, created.operation], [
    "ADDRESS_INVALID",
    "create",
  ]);
  assertStringIncludes(created.message, '"stun.example.org:3478"');
  assertStringIncludes(created.message, "stun:stun.example.org:3478");
  await withStun(Promise.resolve(), async (uri, socket) => {
    const options = { ...FALLBACK, iceStunServers: [uri] };
    await withCircuit({}, options, async ({ alice, through }) => {
      const without = { urls: "turn:127.0.0.1" };
      for (
        const servers of [
          { stunServers: wrong },
          { stunServers: [], turnServers: [without] },
        ]
      ) {
        const error = await assertRejects(
          () => alice.setIceConfig(servers),
          P2PError,
        );
        assertEquals([error.code, error.operation], [
          "ADDRESS_INVALID",
          "setIceConfig",
        ]);
      }
      let asked = false;
      socket.once("message", () => asked = true);
      await alice.connectTo(through);
      await until(() => asked, "the server of before is asked");
    });
  });
});

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

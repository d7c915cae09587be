// WebRTC and the servers that help it, which note here who asked them.
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { P2P, P2POptions } from "../../mod.ts";
import { checkOptions } from "../../src/options.ts";
import { type Circuit, withCircuit } from "../support/circuit.ts";
import { createNode } from "../support/node.ts";
import { startStun } from "../support/stun.ts";
import { startTurn } from "../support/turn.ts";
import { until } from "../support/wait.ts";
import { row } from "./row.ts";

const FALLBACK = { webrtcEnabled: true, webrtcWait: 0 };

/** A STUN server, and whether it was asked. */
async function startNotingStun() {
  const socket = await startStun("127.0.0.1", 0);
  const noted = { asked: false };
  socket.on("message", () => noted.asked = true);
  return {
    noted,
    url: `stun:127.0.0.1:${socket.address().port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

/** Lets two nodes that have a relay open a WebRTC connection, after `prepare`. */
function withWebRtc(
  options: Partial<P2POptions>,
  prepare: (alice: P2P, bob: P2P) => Promise<void> = async () => {},
  look: (circuit: Circuit) => void = () => {},
): Promise<void> {
  return withCircuit({}, { ...FALLBACK, ...options }, async (circuit) => {
    const { alice, bob, through } = circuit;
    await prepare(alice, bob);
    await alice.connectTo(through);
    await until(
      () => alice.getWebrtcConnections()[0]?.state === "open",
      "a connection is open",
    );
    look(circuit);
  });
}

row(
  "get_webrtc_connections",
  "one record a peer, with its state",
  () =>
    withWebRtc({}, undefined, ({ alice, bob }) => {
      const wanted = [{ peerId: bob.peerId!, state: "open" as const }];
      assertEquals(alice.getWebrtcConnections(), wanted);
    }),
);

row(
  "ice_stun_servers",
  "those of the list are asked; none by default",
  async () => {
    assertEquals(checkOptions({ identityDir: "x" }).iceStunServers, []);
    await using stun = await startNotingStun();
    await withWebRtc({ iceStunServers: [stun.url] });
    assert(stun.noted.asked);
  },
);

row(
  "ice_turn_servers",
  "those of the list are asked, with their credentials",
  async () => {
    assertEquals(checkOptions({ identityDir: "x" }).iceTurnServers, []);
    await using turn = await startTurn({ alice: "secret" });
    const { url: urls } = turn;
    const server = { urls, username: "alice", credential: "secret" };
    await withWebRtc({ iceTurnServers: [server] });
    assertEquals([...turn.users], ["alice"]);
  },
);

row("set_ice_config", "servers are replaced, kept or taken away", async () => {
  await using first = await startNotingStun();
  await using second = await startNotingStun();
  const options = { iceStunServers: [first.url] };
  await withWebRtc(options, async (...nodes) => {
    for (const node of nodes) await node.setIceConfig({ stunServers: [] });
  });
  assertEquals(first.noted.asked, false);
  await withWebRtc(options, async (...nodes) => {
    for (const node of nodes) {
      await node.setIceConfig({ stunServers: [second.url] });
      await node.setIceConfig({ stunServers: null, turnServers: [] });
    }
  });
  assertEquals([first.noted.asked, second.noted.asked], [false, true]);
  await using node = await createNode();
  const wrong = { stunServers: "stun:127.0.0.1" as unknown as string[] };
  await assertRejects(() => node.setIceConfig(wrong), TypeError);
});

row("set_turn_credentials", "TURN servers alone are replaced", async () => {
  await using stun = await startNotingStun();
  await using turn = await startTurn({ alice: "old", bob: "new" });
  const { url: urls } = turn;
  const options = {
    iceStunServers: [stun.url],
    iceTurnServers: [{ urls, username: "alice", credential: "old" }],
  };
  await withWebRtc(options, async (...nodes) => {
    for (const node of nodes) {
      await node.setTurnCredentials([{
        urls,
        username: "bob",
        credential: "new",
      }]);
    }
  });
  assertEquals([[...turn.users], stun.noted.asked], [["bob"], true]);
});

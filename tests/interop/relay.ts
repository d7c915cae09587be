/** Cases of relays: a Python node reserves at one of this module and the other way round, and messages go through. */
import { assert, assertEquals } from "@std/assert";
import { type P2P, P2PError } from "../../mod.ts";
import { createNode } from "../support/node.ts";
import { bytes, decode, encode, take, until } from "../support/wait.ts";
import type { Case } from "./cases.ts";
import type { Python } from "./python.ts";

/** The cases by name. */
export const relay = new Map<string, Case>();

const KIB = 1024;
const PLAIN = { holePunching: false, webrtcEnabled: false };

/** Addresses through a relay on loopback; a Python node leaves loopback out of its own. */
function through(relay: string[], relayId: string, peerId: string): string[] {
  return relay
    .filter((address) => /\/tcp\/\d+\/p2p\//.test(address))
    .map((address) => `${address}/p2p-circuit/p2p/${peerId}`)
    .filter((address) => address.includes(relayId));
}

/** A node of this module with a place at a Python relay, and another one that reaches it there. */
async function withPythonRelay(
  python: Python,
  broad: boolean,
  fn: (alice: P2P, bob: P2P) => Promise<void>,
): Promise<void> {
  const service = await python.create({
    enable_relay_service: true,
    enable_relay_client: true,
    dht_enabled: false,
    use_broad_limits: broad,
  });
  await using alice = await createNode(PLAIN);
  await using bob = await createNode(PLAIN);
  await bob.connectTo(service.addresses);
  const expires = await bob.reserveOnRelay(service.peerId);
  assert(Date.parse(expires) > Date.now() + 30 * 60_000, expires);
  await alice.connectTo(
    through(service.addresses, service.peerId, bob.peerId!),
  );
  await fn(alice, bob);
}

relay.set(
  "a reservation at a Python relay, and messages both ways through it",
  (python) =>
    withPythonRelay(python, false, async (alice, bob) => {
      await alice.sendMessageToPeer(
        `${alice.peerId}::dm:${bob.peerId}-misc`,
        encode("there"),
      );
      const [there] = await take(bob, 1);
      assertEquals([decode(there.data), there.transport], ["there", "relay"]);
      await bob.sendMessageToPeer(
        `${bob.peerId}::dm:${alice.peerId}-misc`,
        encode("back"),
      );
      assertEquals(decode((await take(alice, 1))[0].data), "back");
    }),
);

relay.set(
  "through a Python relay with its limits, messages are delivered or refused",
  (python) =>
    withPythonRelay(python, false, async (alice, bob) => {
      const channel = `${alice.peerId}::dm:${bob.peerId}-misc`;
      const results = await Promise.allSettled(
        Array.from(
          { length: 10 },
          (_, i) => alice.sendMessageToPeer(channel, bytes(16 * KIB, i)),
        ),
      );
      let delivered = 0;
      for (const result of results) {
        if (result.status === "fulfilled") delivered++;
        else {
          assert(result.reason instanceof P2PError, String(result.reason));
          assertEquals(result.reason.code, "RELAY_LIMIT");
        }
      }
      assert(delivered > 0 && delivered < 10, `${delivered} delivered`);
      await take(bob, delivered);
      await alice.sendMessageToPeer(channel, encode("last"));
      assertEquals(decode((await take(bob, 1))[0].data), "last");
    }),
);

relay.set(
  "through a Python relay with broad limits, everything is delivered",
  (python) =>
    withPythonRelay(python, true, async (alice, bob) => {
      const channel = `${alice.peerId}::dm:${bob.peerId}-misc`;
      for (let i = 0; i < 20; i++) {
        await alice.sendMessageToPeer(channel, bytes(100 * KIB, i));
      }
      await take(bob, 20);
    }),
);

relay.set(
  "Python and this module exchange messages through a relay of this module",
  async (python) => {
    await using service = await createNode({
      enableRelayService: true,
      knowsIsPublic: true,
    });
    await using ours = await createNode(PLAIN);
    const theirs = await python.create({ enable_relay_client: true });
    await ours.connectTo(service.addresses);
    await ours.reserveOnRelay(service.peerId!);
    await theirs.call(
      "connect_to",
      through(service.addresses, service.peerId!, ours.peerId!),
    );
    await theirs.send(
      `${theirs.peerId}::dm:${ours.peerId}-misc`,
      encode("from Python"),
    );
    const [there] = await take(ours, 1);
    assertEquals(
      [decode(there.data), there.from, there.transport],
      ["from Python", theirs.peerId, "relay"],
    );
    await ours.sendMessageToPeer(
      `${ours.peerId}::dm:${theirs.peerId}-misc`,
      encode("to Python"),
    );
    const [back] = await theirs.take(1);
    assertEquals([decode(back.data), back.from], ["to Python", ours.peerId]);
    await until(
      () =>
        ours.getConnectedPeersInfo().some(({ id, relayed }) =>
          id === theirs.peerId && relayed
        ),
      "the connection is known as relayed",
    );
  },
);

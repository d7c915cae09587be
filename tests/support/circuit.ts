/** Two nodes that reach each other by way of a relay alone, and the relay. */
import type { P2P, P2POptions } from "../../mod.ts";
import { connect, createNode } from "./node.ts";
import { once } from "./wait.ts";

/** The three of them. */
export interface Circuit {
  relay: P2P;
  alice: P2P;
  /** The one with a place at the relay. */
  bob: P2P;
  /** Bob's addresses by way of the relay. */
  through: string[];
}

/** Calls `fn` with a relay and two nodes that do nothing to reach each other directly, unless `options` say so. */
export async function withCircuit(
  relayOptions: Partial<P2POptions>,
  options: Partial<P2POptions>,
  fn: (circuit: Circuit) => Promise<void>,
): Promise<void> {
  const service = { enableRelayService: true, knowsIsPublic: true };
  const plain = { holePunching: false, webrtcEnabled: false, ...options };
  const nodes = await Promise.all([
    createNode({ ...service, ...relayOptions }),
    createNode(plain),
    createNode(plain),
  ]);
  const [relay, alice, bob] = nodes;
  try {
    await connect(bob, relay);
    const reserved = once(bob, "reservation");
    await bob.reserveOnRelay(relay.peerId!);
    const { addresses } = (await reserved).detail;
    await fn({ relay, alice, bob, through: addresses });
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
}

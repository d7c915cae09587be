/** A node of this module and a Python node that are connected: where most cases begin. */
import type { P2P, P2POptions } from "../../mod.ts";
import { createNode } from "../support/node.ts";
import { once } from "../support/wait.ts";
import type { Python, PythonNode } from "./python.ts";

/** Who dials whom. */
export const DIALLERS = ["this module", "Python"] as const;
/** See `DIALLERS`. */
export type Dialler = typeof DIALLERS[number];

/** How the two nodes are made and connected. */
export interface PairOptions {
  dialler?: Dialler;
  ours?: Partial<P2POptions>;
  theirs?: Record<string, unknown>;
}

/** Two nodes. */
export interface Pair {
  ours: P2P;
  theirs: PythonNode;
  /** The channel for direct messages from this module's node, and to it. */
  there: string;
  back: string;
}

/** Makes two nodes, connects them, and calls `fn` with them. */
export async function withPair(
  python: Python,
  { dialler = "this module", ours: own = {}, theirs: other }: PairOptions,
  fn: (pair: Pair) => Promise<void>,
): Promise<void> {
  await using ours = await createNode(own);
  const theirs = await python.create(other);
  await Promise.all([
    once(ours, "peerconnect"),
    dialler === "Python"
      ? theirs.call("connect_to", ours.addresses)
      : ours.connectTo(theirs.addresses),
  ]);
  const there = `${ours.peerId}::dm:${theirs.peerId}-misc`;
  const back = `${theirs.peerId}::dm:${ours.peerId}-misc`;
  await fn({ ours, theirs, there, back });
}

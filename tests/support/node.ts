/**
 * Nodes for tests: on 127.0.0.1, contacting nobody who is not named, each with an
 * identity folder of its own that goes when the node is closed.
 */
import { join } from "@std/path";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { P2P, type P2POptions } from "../../mod.ts";
import { once } from "./wait.ts";

/** The options that keep a node on this machine. */
export const LOCAL = {
  ips: ["127.0.0.1"],
  dhtEnabled: false,
  natPortMap: false,
  relays: [],
  bootstrapPeers: [],
};

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** A folder that the caller removes. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), "p2p-test-"));
}

/** Removes a folder and what is in it. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Calls `fn` with a folder that exists until it is done. */
export async function withFolder<T>(
  fn: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = makeFolder();
  try {
    return await fn(folder);
  } finally {
    removeFolder(folder);
  }
}

/** A local node; without an `identityDir` it gets a folder that lives as long as it does. */
export async function createNode(
  options: Partial<P2POptions> = {},
): Promise<P2P> {
  if (options.identityDir !== undefined) {
    return await P2P.create({ ...LOCAL, ...options } as P2POptions);
  }
  const identityDir = makeFolder();
  try {
    const node = await P2P.create({ ...LOCAL, ...options, identityDir });
    node.closed.then(() => removeFolder(identityDir));
    return node;
  } catch (error) {
    removeFolder(identityDir);
    throw error;
  }
}

/** Connects two nodes; resolves when both know of it. */
export async function connect(from: P2P, to: P2P): Promise<void> {
  const noticed = once(to, "peerconnect");
  await from.connectTo(to.addresses);
  await noticed;
}

/** The channel for direct messages from one node to another. */
export function directChannel(from: P2P, to: P2P, suffix = "test"): string {
  return `${from.peerId}::dm:${to.peerId}-${suffix}`;
}

/** A peer id with an Ed25519 key in its other spelling: a CID in base 16. */
export function asCid(peerId: string): string {
  let number = 0n;
  for (const digit of peerId) {
    number = number * 58n + BigInt(BASE58.indexOf(digit));
  }
  return `f017200${number.toString(16)}`;
}

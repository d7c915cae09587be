/** What the rows of `tests/parity.test.ts` share: naming one, nodes for it, and a conversation on a topic. */
import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { channel, type P2P, type P2POptions } from "../../mod.ts";
import { connect, createNode } from "../support/node.ts";
import { decode, encode, take, until } from "../support/wait.ts";

/** The page that says what each Python name is here. */
export const page = readFileSync(
  new URL("../../docs/python-parity.md", import.meta.url),
  "utf8",
);

/** The rows that were shown. */
export const rows: Set<string> = new Set();

/** A row of the page: its Python name, what is shown of it, and how. */
export function row(
  name: string,
  what: string,
  fn: () => void | Promise<void>,
): void {
  rows.add(name);
  test(`${name}: ${what}`, async () => {
    assert(
      page.includes(`\`${name}\``),
      `docs/python-parity.md has no ${name}`,
    );
    await fn();
  });
}

/** Makes a node with an option, looks at it, and closes it. */
export async function withNode(
  options: Partial<P2POptions>,
  fn: (node: P2P) => unknown,
): Promise<void> {
  await using node = await createNode(options);
  await fn(node);
}

/** Makes two nodes that are connected. */
export async function withPair(
  fn: (alice: P2P, bob: P2P) => Promise<void>,
): Promise<void> {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await fn(alice, bob);
}

/** A topic of a node. */
export function topicOf(owner: P2P): string {
  return channel.topic(owner.peerId!, "test");
}

/** Subscribes both to a topic of the first, and lets each hear the other. */
export async function exchangeOnTopic(alice: P2P, bob: P2P): Promise<void> {
  const topic = topicOf(alice);
  await alice.subscribeToTopic(topic);
  await bob.subscribeToTopic(topic);
  await until(
    () =>
      alice.getTopicPeers(topic).includes(bob.peerId!) &&
      bob.getTopicPeers(topic).includes(alice.peerId!),
    "both know of each other",
  );
  await alice.broadcastMessage(topic, encode("to Bob"));
  assertEquals(decode((await take(bob, 1))[0].data), "to Bob");
  await bob.broadcastMessage(topic, encode("to Alice"));
  assertEquals(decode((await take(alice, 1))[0].data), "to Alice");
}

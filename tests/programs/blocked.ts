/**
 * A process whose main thread stands still for 2 s while another one sends to it: `blocked.ts <folder>` is the sender, which
 * starts this file again, with its address, as the receiver. The sender meanwhile talks to a third node.
 */
import { join } from "@std/path";
import { spawn } from "node:child_process";
import process from "node:process";
import type { P2P } from "../../mod.ts";
import { CURRENT, RUN } from "../../scripts/runtimes.ts";
import { connect, createNode, directChannel } from "../support/node.ts";
import { decode, encode, once, take } from "../support/wait.ts";

const DIRECT = 20_000;
const BROADCASTS = 500;
const TOPIC = "blocked::ps:numbers";
const [folder, address] = process.argv.slice(2);

async function receive(): Promise<void> {
  await using node = await createNode({ identityDir: join(folder, "blocked") });
  await node.subscribeToTopic(TOPIC);
  const { id } = await node.connectTo([address]);
  const answer = (text: string) =>
    node.sendMessageToPeer(`${node.peerId}::dm:${id}-state`, encode(text));
  await answer("blocks");
  // Go sends the answer; nothing of this isolate runs meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
  await answer("goes on");
  const next = new Map<string, number>();
  for (const { channel, data } of await take(node, DIRECT + BROADCASTS)) {
    const number = next.get(channel) ?? 0;
    if (decode(data) !== `${number}`) throw new Error(`${data} in ${channel}`);
    next.set(channel, number + 1);
  }
  await answer("has everything, in order");
}

async function send(): Promise<void> {
  await using alice = await createNode({ identityDir: join(folder, "alice") });
  await using carol = await createNode({ identityDir: join(folder, "carol") });
  await connect(alice, carol);
  const joined = once(
    alice,
    "topicpeers",
    ({ detail }) => detail.peers.length > 0,
  );
  await alice.subscribeToTopic(TOPIC);
  const receiver = spawn(process.execPath, [
    ...RUN[CURRENT],
    process.argv[1],
    folder,
    alice.addresses[0],
  ], { stdio: ["ignore", "inherit", "inherit"] });
  const ended = new Promise((resolve) => receiver.on("close", resolve));

  await joined;
  const [{ from, data }] = await take(alice, 1);
  console.log(`the receiver ${decode(data)}`);
  const channel = `${alice.peerId}::dm:${from}-numbers`;
  const all: Promise<void>[] = [];
  for (let i = 0; i < DIRECT; i++) {
    all.push(alice.sendMessageToPeer(channel, encode(`${i}`)));
  }
  for (let i = 0; i < BROADCASTS; i++) {
    all.push(alice.broadcastMessage(TOPIC, encode(`${i}`)));
  }
  let exchanges = 0;
  while (alice.getMessageQueueLength() === 0) {
    await exchange(alice, carol);
    exchanges++;
  }
  console.log(
    exchanges > 100 ? "others go on meanwhile" : `${exchanges} exchanges`,
  );
  for (const { data } of await take(alice, 2)) {
    console.log(`the receiver ${decode(data)}`);
  }
  await Promise.all(all);
  await ended;
}

async function exchange(from: P2P, to: P2P): Promise<void> {
  await from.sendMessageToPeer(directChannel(from, to), encode("there"));
  await take(to, 1);
}

await (address ? receive() : send());

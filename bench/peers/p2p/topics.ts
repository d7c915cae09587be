/** Topics: from one node to one, over one topic or many, and to the nine others of a mesh. */
import { setTimeout as delay } from "node:timers/promises";
import type { P2P } from "../../../mod.ts";
import { createNode } from "../../../tests/support/node.ts";
import { until } from "../../../tests/support/wait.ts";
import {
  cpu,
  lastMessage,
  MEASURED,
  percentiles,
  print,
  Tally,
  type Work,
} from "./work.ts";

const topicsOf = (owner: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${owner}::ps:bench-${i}`);

export async function subscribe({ transport, topics = 1 }: Work) {
  const node = await createNode({ transports: [transport] });
  const tally = new Tally();
  for (const topic of topicsOf("bench", topics)) {
    await node.subscribeToTopic(topic);
  }
  print({ listening: node.addresses });
  for await (const { data } of node.messages({ shared: true })) {
    const result = tally.take(data);
    if (result) return result;
  }
}

export async function publish({ transport, to, size, ms, topics = 1 }: Work) {
  const node = await createNode({ transports: [transport] });
  const names = topicsOf("bench", topics);
  for (const topic of names) await node.subscribeToTopic(topic);
  await node.connectTo(to);
  await joined(node, names.at(-1)!, 1);
  const data = new Uint8Array(size).fill(MEASURED, 0, 1);
  const began = cpu();
  const end = performance.now() + ms;
  let sent = 0;
  for (; performance.now() < end; sent += 16) {
    let taken!: Promise<void>;
    for (let i = 0; i < 16; i++) {
      taken = node.broadcastMessage(names[(sent + i) % topics], data);
    }
    await taken;
  }
  const used = cpu() - began;
  await delay(1000);
  await node.broadcastMessage(names[0], lastMessage(size, sent));
  return { sent, cpu: used };
}

/** Resolves when as many others are in the topic, and a heartbeat later in its mesh. */
async function joined(node: P2P, topic: string, peers: number): Promise<void> {
  await until(
    () => node.getTopicPeers(topic).length >= peers,
    `${peers} peers in ${topic}`,
  );
  await delay(1500);
}

export async function mesh(work: Work) {
  const { transport, size, count, everyMs = 0, nodes: members = 1 } = work;
  const nodes: P2P[] = [];
  const times: number[] = [];
  let arrived = 0;
  const receive = async (node: P2P) => {
    for await (const { data } of node.messages({ shared: true })) {
      const sent = new DataView(data.buffer, data.byteOffset).getFloat64(0);
      arrived = performance.now();
      times.push(arrived - sent);
    }
  };
  for (let i = 0; i < members; i++) {
    const node = await createNode({ transports: [transport] });
    await node.subscribeToTopic("bench::ps:mesh");
    for (const other of nodes) await node.connectTo(other.addresses);
    nodes.push(node);
    if (i > 0) receive(node);
  }
  await joined(nodes[0], "bench::ps:mesh", members - 1);
  const data = new Uint8Array(size);
  const began = performance.now();
  for (let i = 0; i < count; i++) {
    const wait = began + i * everyMs - performance.now();
    if (wait > 0) await delay(wait);
    new DataView(data.buffer).setFloat64(0, performance.now());
    await nodes[0].broadcastMessage("bench::ps:mesh", data);
  }
  const expected = count * (members - 1);
  arrived ||= performance.now();
  while (times.length < expected && performance.now() - arrived < 2000) {
    await delay(50);
  }
  return {
    ...percentiles(times),
    delivered: times.length / expected,
    seconds: (arrived - began) / 1000,
  };
}

/** One-way messages, from one peer or from several, as fast as they go. */
import type { Message, P2P } from "../../../mod.ts";
import { createNode } from "../../../tests/support/node.ts";
import { cpu, lastMessage, MEASURED, print, Tally, type Work } from "./work.ts";

export async function receiveFrames({ transport, nodes, shared }: Work) {
  const node = await createNode({ transports: [transport] });
  const tally = new Tally(nodes);
  print({ listening: node.addresses });
  const messages = node.messages({ shared });
  for await (const first of messages) {
    let next: Message | undefined = first;
    for (; next; next = messages.take()) {
      const result = tally.take(next.data);
      if (result) return result;
    }
  }
}

export async function sendFrames({ nodes = 1, ...work }: Work) {
  const senders = await Promise.all(
    Array.from({ length: nodes }, () => connect(work)),
  );
  const run = work.send === "await" ? awaiting : sending;
  const warm = new Uint8Array(work.size);
  await Promise.all(
    senders.map((sender) => run(sender, warm, work.warmMs)),
  );
  const measured = new Uint8Array(work.size).fill(MEASURED, 0, 1);
  const began = cpu();
  const counts = await Promise.all(
    senders.map(async (sender) => {
      const sent = await run(sender, measured, work.ms);
      await sender.node.sendMessageToPeer(
        sender.channel,
        lastMessage(work.size, sent),
      );
      return sent;
    }),
  );
  const sent = counts.reduce((sum, count) => sum + count, 0);
  return { sent, cpu: cpu() - began };
}

interface Connected {
  node: P2P;
  channel: string;
}

async function connect({ transport, to }: Work): Promise<Connected> {
  const node = await createNode({ transports: [transport] });
  const { id } = await node.connectTo(to);
  return { node, channel: `${node.peerId}::dm:${id}-bench` };
}

/** Sends for some milliseconds by a sender; looks at the clock once in 64 KiB. */
async function sending(
  { node, channel }: Connected,
  data: Uint8Array,
  ms: number,
) {
  const rounds = Math.max(1, (64 << 10) / data.length | 0);
  await using sender = node.sender(channel);
  const end = performance.now() + ms;
  let sent = 0;
  for (; performance.now() < end; sent += rounds) {
    for (let i = 0; i < rounds; i++) {
      while (!sender.send(data)) await sender.ready;
    }
  }
  return sent;
}

/** Sends as programs do that know only promises: many at a time, and waiting for the last of them. */
async function awaiting(
  { node, channel }: Connected,
  data: Uint8Array,
  ms: number,
) {
  const rounds = Math.max(1, (64 << 10) / data.length | 0);
  const end = performance.now() + ms;
  let sent = 0;
  for (; performance.now() < end; sent += rounds) {
    let accepted!: Promise<void>;
    for (let i = 0; i < rounds; i++) {
      accepted = node.sendMessageToPeer(channel, data);
    }
    await accepted;
  }
  return sent;
}

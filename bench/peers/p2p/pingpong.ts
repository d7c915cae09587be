/** Round trips: dense ones, or one every few milliseconds. */
import { setTimeout as delay } from "node:timers/promises";
import { createNode } from "../../../tests/support/node.ts";
import { cpu, percentiles, print, type Work } from "./work.ts";

export async function receivePings({ transport }: Work) {
  const node = await createNode({ transports: [transport] });
  print({ listening: node.addresses });
  for await (const { from, data } of node.messages({ shared: true })) {
    node.sendMessageToPeer(`${node.peerId}::dm:${from}-pong`, data);
  }
}

export async function sendPings({ transport, to, size, count, everyMs }: Work) {
  const node = await createNode({ transports: [transport] });
  const { id } = await node.connectTo(to);
  const channel = `${node.peerId}::dm:${id}-ping`;
  const messages = node.messages({ shared: true });
  const data = new Uint8Array(size);
  const times: number[] = [];
  let used = 0, began = 0;
  for (let i = -count / 10; i < count; i++) {
    if (i === 0) [used, began] = [cpu(), performance.now()];
    const sent = performance.now();
    await node.sendMessageToPeer(channel, data);
    await messages.next();
    if (i >= 0) times.push(performance.now() - sent);
    if (everyMs) await delay(everyMs);
  }
  const cores = (cpu() - used) * 1000 / (performance.now() - began);
  return { ...percentiles(times), cores };
}

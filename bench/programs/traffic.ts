/**
 * Two nodes in one isolate that send each other direct and topic messages for as long as they live; what the programs beside this file
 * run while they end in one way or another.
 */
import type { P2P } from "../../mod.ts";
import {
  connect,
  createNode,
  directChannel,
} from "../../tests/support/node.ts";

/** Starts the traffic; resolves when messages have gone both ways. */
export async function startTraffic(): Promise<[P2P, P2P]> {
  const nodes = await Promise.all([createNode(), createNode()]);
  const [a, b] = nodes;
  await connect(a, b);
  const topic = `${a.peerId}::ps:traffic`;
  await Promise.all([a.subscribeToTopic(topic), b.subscribeToTopic(topic)]);
  await Promise.all([exchange(a, b, topic), exchange(b, a, topic)]);
  return nodes;
}

/** Keeps some messages under way from one node to the other; resolves when the first came. */
function exchange(from: P2P, to: P2P, topic: string): Promise<void> {
  const channel = directChannel(from, to);
  const data = new Uint8Array(1000);
  const send = async () => {
    await from.sendMessageToPeer(channel, data);
    await from.broadcastMessage(topic, data);
  };
  // A node that is closed meanwhile ends its traffic with an error, as it should.
  const ignore = () => {};
  return new Promise((resolve) => {
    (async () => {
      for await (const message of to.messages()) {
        resolve();
        if (message.channel === channel) send().catch(ignore);
      }
    })().catch(ignore);
    for (let i = 0; i < 20; i++) send().catch(ignore);
  });
}

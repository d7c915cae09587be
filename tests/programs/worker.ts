/** The node of one Worker of `workers.ts`: connects to the hub and answers what it is asked. */
import { createNode } from "../support/node.ts";
import { decode, encode } from "../support/wait.ts";
import { parent } from "../support/worker.ts";

interface Task {
  identityDir: string;
  port: number;
  hub: string[];
}

const main = parent();
main.onmessage = async ({ data }) => {
  const { hub, ...options } = data as Task;
  const node = await createNode(options);
  const { id } = await node.connectTo(hub);
  main.postMessage(node.peerId);
  for await (const { data } of node.messages()) {
    const channel = `${node.peerId}::dm:${id}-answer`;
    await node.sendMessageToPeer(channel, encode(`${decode(data)} answers`));
  }
};

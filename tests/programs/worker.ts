/** The node of one Worker of `workers.ts`: connects to the hub and answers what it is asked. */
import { createNode } from "../support/node.ts";
import { decode, encode } from "../support/wait.ts";

interface Task {
  identityDir: string;
  port: number;
  hub: string[];
}

/** What this file uses of the global scope of a Worker, which the types for the main thread lack. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Task>) => void;
  postMessage(message: unknown): void;
};

scope.onmessage = async ({ data: { hub, ...options } }) => {
  const node = await createNode(options);
  const { id } = await node.connectTo(hub);
  scope.postMessage(node.peerId);
  for await (const { data } of node.messages()) {
    const channel = `${node.peerId}::dm:${id}-answer`;
    await node.sendMessageToPeer(channel, encode(`${decode(data)} answers`));
  }
};

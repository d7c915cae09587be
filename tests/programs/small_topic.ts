/** Takes small messages only; prints what it was told of a larger one, and the next: `small_topic.ts <address> <topic>`. */
import process from "node:process";
import { P2P } from "../../mod.ts";
import { createNode } from "../support/node.ts";
import { once, take } from "../support/wait.ts";

const [address, topic] = process.argv.slice(2);
P2P.setupLibrary({ maxMessageSize: 50_000 });
await using node = await createNode();
await node.subscribeToTopic(topic);
const dropped = once(node, "drop");
await node.connectTo([address]);
const [message] = await take(node, 1);
const { detail: drop } = await dropped;
console.log(JSON.stringify({ message: message.text(), drop }));

/** A node that takes messages of 1,000 bytes: dials, and prints why the first one was dropped. `small.ts <address>... <folder>` */
import process from "node:process";
import { P2P } from "../../mod.ts";
import { createNode } from "../support/node.ts";
import { once } from "../support/wait.ts";

P2P.setupLibrary({ maxMessageSize: 1000 });
const addresses = process.argv.slice(2, -1);
await using node = await createNode();
const dropped = once(node, "drop");
await node.connectTo(addresses);
console.log((await dropped).detail.reason);

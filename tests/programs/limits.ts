/** Two nodes at most, and a place that comes free: `limits.ts <folder>`. */
import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import process from "node:process";
import { P2P, P2PError } from "../../mod.ts";
import { connect, createNode, directChannel } from "../support/node.ts";
import { bytes } from "../support/wait.ts";

const [folder] = process.argv.slice(2);
const create = (name: string) =>
  createNode({ identityDir: join(folder, name) });

P2P.setupLibrary({ maxInstances: 2, maxMessageSize: 1000 });
await using alice = await create("alice");
const bob = await create("bob");
const error = await assertRejects(() => create("carol"), P2PError);
assertEquals([error.code, error.operation], ["LIMIT", "create"]);

await connect(alice, bob);
const channel = directChannel(alice, bob);
const room = 1000 - 1 - channel.length;
await alice.sendMessageToPeer(channel, bytes(room));
await assertRejects(
  () => alice.sendMessageToPeer(channel, bytes(room + 1)),
  RangeError,
);

// A refused option must not cost a place, nor may a closed node keep its own.
await assertRejects(() => createNode({ port: -1 }), RangeError);
await bob.close();
await using _carol = await create("carol");

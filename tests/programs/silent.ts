/** Uses everything that might log, and prints nothing itself: `silent.ts <folder>`. */
import { join } from "@std/path";
import process from "node:process";
import { connect, createNode, directChannel } from "../support/node.ts";
import { encode, take } from "../support/wait.ts";

const [folder] = process.argv.slice(2);
await using alice = await createNode({ identityDir: join(folder, "alice") });
await using bob = await createNode({ identityDir: join(folder, "bob") });
await connect(alice, bob);
await alice.sendMessageToPeer(directChannel(alice, bob), encode("hello"));
await take(bob, 1);
await alice.subscribeToTopic("x::ps:y");
await bob.broadcastMessage("x::ps:y", encode("hello"));
await alice.connectTo([`/ip4/127.0.0.1/tcp/1/p2p/${bob.peerId}`])
  .catch(() => {});

/** A listener that throws is reported and stops nothing: `throwing.ts <folder>`. */
import { join } from "@std/path";
import process from "node:process";
import { connect, createNode, directChannel } from "../support/node.ts";
import { decode, encode, take } from "../support/wait.ts";

const [folder] = process.argv.slice(2);
process.on("uncaughtException", ({ message }) => {
  console.log(`reported: ${message}`);
});
await using alice = await createNode({ identityDir: join(folder, "alice") });
await using bob = await createNode({ identityDir: join(folder, "bob") });
alice.addEventListener("peerconnect", () => {
  throw new Error("a listener's fault");
});
await connect(alice, bob);
await bob.sendMessageToPeer(directChannel(bob, alice), encode("goes on"));
console.log(decode((await take(alice, 1))[0].data));

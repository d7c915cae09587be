/**
 * A listener and a logger that throw: `throwing.ts caught|uncaught <folder>`. Caught, they are reported and stop nothing; uncaught,
 * the runtime says what was thrown and where.
 */
import { join } from "@std/path";
import process from "node:process";
import { P2P } from "../../mod.ts";
import { connect, createNode, directChannel } from "../support/node.ts";
import { decode, encode, take } from "../support/wait.ts";

const [how, folder] = process.argv.slice(2);
const reported = new Set<string>();
if (how === "caught") {
  process.on("uncaughtException", ({ message }) => reported.add(message));
  P2P.setupLibrary({
    logLevel: "debug",
    logger: () => {
      throw new Error("a logger's fault");
    },
  });
}
await using alice = await createNode({ identityDir: join(folder, "alice") });
await using bob = await createNode({ identityDir: join(folder, "bob") });
alice.addEventListener("peerconnect", () => {
  throw new Error("a listener's fault");
});
await connect(alice, bob);
await bob.sendMessageToPeer(directChannel(bob, alice), encode("goes on"));
console.log(decode((await take(alice, 1))[0].data));
await Promise.all([alice.close(), bob.close()]);
console.log([...reported].sort().join());

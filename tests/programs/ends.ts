/** Two nodes with traffic between them, and one way to end: `ends.ts <how> <folder>`. */
import { join } from "@std/path";
import process from "node:process";
import { connect, createNode, directChannel } from "../support/node.ts";
import { bytes } from "../support/wait.ts";

const [how, folder] = process.argv.slice(2);
const alice = await createNode({ identityDir: join(folder, "alice") });
const bob = await createNode({ identityDir: join(folder, "bob") });
await connect(alice, bob);

const channel = directChannel(alice, bob);
const payload = bytes(1000);
let running = true;
const traffic = (async () => {
  while (running) await alice.sendMessageToPeer(channel, payload);
})().catch(() => {});

let received = 0;
for await (const { data } of bob.messages()) {
  if (data.length === payload.length && ++received === 2000) break;
}

switch (how) {
  case "exit":
    process.exit(3);
    break;
  case "throw":
    throw new Error("on purpose");
  case "close":
    await Promise.all([alice.close(), bob.close()]);
    await traffic;
    break;
  case "closeAll":
    await bob.close(true);
    break;
  case "unref":
    // A send that waits for its receiver keeps the process alive by itself.
    running = false;
    bob.addEventListener("readable", readAll);
    readAll();
    await traffic;
    alice.unref();
    bob.unref();
    break;
}

function readAll(): void {
  while (bob.popMessages().length > 0);
}

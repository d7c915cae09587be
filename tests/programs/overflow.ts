/** A full channel under a policy that drops: `overflow.ts <policy> <folder>`. */
import { join } from "@std/path";
import process from "node:process";
import { type Overflow, P2P } from "../../mod.ts";
import { connect, createNode, directChannel } from "../support/node.ts";
import { decode, encode, take, until } from "../support/wait.ts";

const [overflow, folder] = process.argv.slice(2);
P2P.setupLibrary({
  overflow: overflow as Overflow,
  maxChannels: 2,
  maxQueuePerChannel: 5,
});
await using alice = await createNode({ identityDir: join(folder, "alice") });
await using bob = await createNode({ identityDir: join(folder, "bob") });
let dropped = 0;
bob.addEventListener("drop", ({ detail }) => dropped += detail.messages);
await connect(alice, bob);
for (const channel of ["a", "b", "c"]) {
  for (let i = 0; i < 8; i++) {
    const name = directChannel(alice, bob, channel);
    await alice.sendMessageToPeer(name, encode(`${channel}${i}`));
  }
}
// Two channels of eight keep five each; a third finds no place.
await until(
  () => dropped === 3 + 3 + 8,
  `3 + 3 + 8 are dropped, not ${dropped}`,
);
const kept = await take(bob, bob.getMessageQueueLength());
console.log(kept.map(({ data }) => decode(data)).join(" "));

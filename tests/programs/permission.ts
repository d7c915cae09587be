/** Two nodes that may use nothing but the library: `permission.ts <library> <folder>`. */
import process from "node:process";
import { P2P } from "../../mod.ts";
import { LOCAL } from "../support/node.ts";
import { decode, encode, take } from "../support/wait.ts";

const [library, folder] = process.argv.slice(2);
P2P.setupLibrary({ library });
const create = (name: string) =>
  P2P.create({ ...LOCAL, identityDir: `${folder}/${name}` });
await using alice = await create("alice");
await using bob = await create("bob");
await alice.connectTo(bob.addresses);
await alice.sendMessageToPeer(
  `${alice.peerId}::dm:${bob.peerId}-test`,
  encode("no other permission"),
);
console.log(decode((await take(bob, 1))[0].data));

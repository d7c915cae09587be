/** The program of the README: connects to the peer whose address it is given, greets it, and prints what comes. */
import { P2P } from "@unaiverse/p2p";
import process from "node:process";

await using node = await P2P.create({ identityDir: "./alice" });
console.log(node.peerId, node.addresses);

const peer = await node.connectTo([process.argv[2]]);
await node.sendMessageToPeer(
  `${node.peerId}::dm:${peer.id}-greeting`,
  new TextEncoder().encode("hello"),
);
for await (const message of node.messages()) {
  console.log(message.from, message.channel, message.data.length);
}

/**
 * The program of the README, for two terminals: the first waits and answers, the second greets the address that the first printed.
 *
 *     hello.ts alice
 *     hello.ts bob <address>
 */
import { P2P } from "@unaiverse/p2p";
import process from "node:process";

const [name = "alice", address] = process.argv.slice(2);
await using node = await P2P.create({ identityDir: name, ips: ["127.0.0.1"] });
console.log(`${name} listens on ${node.addresses[0]}`);

const peer = address && await node.connectTo([address]);
if (peer) await node.send(peer.id, `hello from ${name}`);
for await (const message of node.messages()) {
  console.log(`${message.from} says: ${message.text()}`);
  if (!address) await node.send(message.from, `hello, this is ${name}`);
}

/** Prints the stacks of errors that are caught at the top level of a module: `stack.ts`. */
import { P2P } from "../../mod.ts";
import { createNode, LOCAL } from "../support/node.ts";

const NOBODY = "12D3KooWEyopopk3YZ5UoyGzMGnwhKd1AJBwNmpAAnGAAX6rvJmo";
const stacks: Record<string, string> = {};
await using node = await createNode();
try {
  await P2P.create({ ...LOCAL, identityDir: "/dev/null" });
} catch (error) {
  stacks.create = (error as Error).stack!;
}
try {
  await node.connectTo([`/ip4/127.0.0.1/tcp/1/p2p/${NOBODY}`]);
} catch (error) {
  stacks.connectTo = (error as Error).stack!;
}
try {
  const channel = `${node.peerId}::dm:${NOBODY}-test`;
  await node.sendMessageToPeer(channel, new Uint8Array(1));
} catch (error) {
  stacks.send = (error as Error).stack!;
}
console.log(JSON.stringify(stacks));

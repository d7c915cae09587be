/**
 * The program that the test command runs in an empty folder, against the package
 * as it would be published: two nodes, one message, and the end.
 */
import { P2P } from "@unaiverse/p2p";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const [, , library] = process.argv;
P2P.setupLibrary(library === undefined ? {} : { library });
const folder = mkdtempSync(join(tmpdir(), "p2p-package-"));
const options = {
  ips: ["127.0.0.1"],
  dhtEnabled: false,
  natPortMap: false,
  relays: [],
  bootstrapPeers: [],
};
try {
  const identityDir = (name: string) => ({ identityDir: join(folder, name) });
  await using a = await P2P.create({ ...options, ...identityDir("a") });
  await using b = await P2P.create({ ...options, ...identityDir("b") });
  await a.connectTo(b.addresses);
  await a.send(b.peerId!, "hello");
  for await (const message of b.messages({ from: a.peerId! })) {
    console.log(message.text());
    break;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

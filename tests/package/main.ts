/**
 * The program that the test command runs in an empty folder, against the package
 * as it would be published: two nodes, one message, and the end.
 */
import { P2P } from "@unaiverse/p2p";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

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
  await a.sendMessageToPeer(
    `${a.peerId}::dm:${b.peerId}-test`,
    new TextEncoder().encode("hello"),
  );
  for await (const { from, data } of b.messages()) {
    if (from !== a.peerId) throw new Error(`a message from ${from}`);
    console.log(new TextDecoder().decode(data));
    break;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

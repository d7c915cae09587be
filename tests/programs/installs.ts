/** Makes a node with the library of its package, wherever that has to come from: `installs.ts <folder> [settings as JSON]`. */
import { readFileSync } from "node:fs";
import process from "node:process";
import { P2P } from "../../mod.ts";

const [identityDir, settings] = process.argv.slice(2);
const maps = () => {
  try {
    return readFileSync("/proc/self/maps", "latin1");
  } catch {
    return "";
  }
};
const said = { code: "", message: "listens" };
try {
  if (settings) P2P.setupLibrary(JSON.parse(settings));
  const node = await P2P.create({
    identityDir,
    ips: ["127.0.0.1"],
    dhtEnabled: false,
    natPortMap: false,
  });
  if (node.addresses.length === 0) said.message = "does not listen";
  await node.close();
} catch (error) {
  const { code, message } = error as { code: string; message: string };
  Object.assign(said, { code, message });
}
const library = /\S*libunaiverse_p2p\S*/.exec(maps())?.[0];
console.log(JSON.stringify({ ...said, library }));

/** Makes a node and says how that went: `creates.ts <folder> [library]`. */
import process from "node:process";
import { P2P } from "../../mod.ts";

const [identityDir, library] = process.argv.slice(2);
try {
  if (library) P2P.setupLibrary({ library });
  const node = await P2P.create({
    identityDir,
    ips: ["127.0.0.1"],
    dhtEnabled: false,
  });
  await node.close();
  console.log(JSON.stringify({ code: "", message: "made" }));
} catch (error) {
  const { code, message } = error as { code: string; message: string };
  console.log(JSON.stringify({ code, message }));
}

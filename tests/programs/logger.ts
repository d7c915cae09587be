/** Hands a logger to the library and prints what it was given: `logger.ts <identity folder>`. */
import process from "node:process";
import { P2P } from "../../mod.ts";
import { createNode } from "../support/node.ts";

const records: object[] = [];
P2P.setupLibrary({
  logLevel: "debug",
  logger: (record) => {
    records.push(record);
    throw new Error("a logger's fault is no node's fault");
  },
});
process.on("uncaughtException", () => {});
const node = await createNode({ identityDir: process.argv[2] });
await node.close();
const before = records.length;
P2P.setupLibrary({ maxInstances: 1 });
console.log(JSON.stringify({ before, records }));

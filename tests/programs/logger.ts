/** Hands a logger to the library and prints what it was given: `logger.ts <level> <identity folder>`. */
import process from "node:process";
import { type LogLevel, P2P } from "../../mod.ts";
import { createNode } from "../support/node.ts";

const [level, identityDir] = process.argv.slice(2);
const records: object[] = [];
P2P.setupLibrary({
  logLevel: level as LogLevel,
  logger: (record) => {
    records.push(record);
    throw new Error("a logger's fault is no node's fault");
  },
});
process.on("uncaughtException", () => {});
const node = await createNode({ identityDir });
await node.close();
const before = records.length;
P2P.setupLibrary({ maxInstances: 1 });
console.log(JSON.stringify({ before, records }));

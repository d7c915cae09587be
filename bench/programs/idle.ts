/** One node that does nothing for 10 s; prints the CPU time it took a second and the memory. */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { createNode } from "../../tests/support/node.ts";

const SECONDS = 10;
const node = await createNode();
await delay(2000);
const before = process.cpuUsage();
await delay(SECONDS * 1000);
const { user, system } = process.cpuUsage(before);
const rssMB = Math.round(process.memoryUsage().rss / 2 ** 20);
await node.close();
console.log(
  JSON.stringify({ cpuMs: (user + system) / 1000 / SECONDS, rssMB }),
);

/** Creates and closes a node 1,000 times in one process; prints times, and what there was of everything after 100 and after 1,000. */
import { readdirSync } from "node:fs";
import process from "node:process";
import { P2P } from "../../mod.ts";
import { inspect } from "../../tests/support/inspect.ts";
import { LOCAL, withFolder } from "../../tests/support/node.ts";
import { median } from "../table.ts";

const CYCLES = 1000;
const create: number[] = [];
const close: number[] = [];
const state: { goroutines: number; descriptors: number; rssMB: number }[] = [];

await withFolder(async (identityDir) => {
  for (let cycle = 1; cycle <= CYCLES; cycle++) {
    const begin = performance.now();
    const node = await P2P.create({ ...LOCAL, identityDir });
    const created = performance.now();
    await node.close();
    const closed = performance.now();
    create.push(created - begin);
    close.push(closed - created);
    if (cycle === 100 || cycle === CYCLES) state.push(await look());
  }
});

const pair = (key: keyof typeof state[0]) => state.map((seen) => seen[key]);
console.log(JSON.stringify({
  createMs: round(median(create)),
  closeMs: round(median(close)),
  goroutines: pair("goroutines"),
  descriptors: pair("descriptors"),
  rssMB: pair("rssMB"),
}));

async function look() {
  const { goroutines } = await inspect();
  return {
    goroutines,
    descriptors: readdirSync("/proc/self/fd").length,
    rssMB: round(process.memoryUsage().rss / 2 ** 20),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

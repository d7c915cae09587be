/**
 * This module doing the work of bench/peers, in Deno, Bun or Node.js. It takes the work as one JSON argument and prints lines of JSON:
 * `{"listening": [addresses]}`, then `{"result": {…}}`. It ends with its standard input.
 */
import process from "node:process";
import { P2P } from "../../../mod.ts";
import { createNode } from "../../../tests/support/node.ts";
import { dial } from "./dial.ts";
import { receiveFrames, sendFrames } from "./frames.ts";
import { receivePings, sendPings } from "./pingpong.ts";
import { mesh, publish, subscribe } from "./topics.ts";
import { print, type Work } from "./work.ts";

const WORKS: Record<string, (work: Work) => Promise<unknown>> = {
  "frames receive": receiveFrames,
  "frames send": sendFrames,
  "pingpong receive": receivePings,
  "pingpong send": sendPings,
  "topic receive": subscribe,
  "topic send": publish,
  "mesh send": mesh,
  "start receive": start,
  "dial receive": start,
  "dial send": dial,
};

/** Nodes that only listen. */
async function start({ transport, nodes = 1 }: Work): Promise<void> {
  for (let i = 0; i < nodes; i++) {
    const { addresses } = await createNode({ transports: [transport] });
    if (i === 0) print({ listening: addresses });
  }
}

const work = JSON.parse(process.argv[2]) as Work;
const run = WORKS[`${work.work} ${work.role}`];
P2P.setupLibrary({ maxInstances: 100 });
const result = await run(work);
if (result) print({ result });
process.stdin.on("end", () => process.exit(0)).resume();

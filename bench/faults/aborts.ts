/** Giving up 100,000 sends that wait for a peer which does not read, by one signal and by their timeouts, and as many requests: it blocks the program for a moment only. */
import { measure } from "../table.ts";
import type { Program, Request, Row } from "./report.ts";

const CALLS = 100_000;
const MOST_MS = 200;
const CASES = [["sends", "signal"], ["sends", "timeout"], [
  "requests",
  "signal",
]];

/** What `bench/programs/aborts.ts` prints. */
interface Ended {
  ended: number;
  "all ended after"?: number;
  "longest block": number;
}

/** See the head of the file. */
export const aborts: Program = {
  title: "100,000 calls that are given up",
  usual: { runs: 1, seconds: 0 },
  run,
};

async function* run({ runtimes, runs }: Request): AsyncIterable<Row> {
  for (const runtime of runtimes) {
    for (const [what, how] of CASES) {
      for (let run = 0; run < runs; run++) {
        const args = [what, how];
        const seen = await measure<Ended>(runtime, "aborts.ts", args, 180_000);
        const ms = seen["all ended after"] ?? seen["longest block"];
        const broken = [];
        if (seen.ended < CALLS) broken.push(`${CALLS - seen.ended} stay`);
        if (ms > MOST_MS) broken.push(`takes ${ms} ms`);
        yield { runtime: runtime.name, what, how, ...seen, broken };
      }
    }
  }
}

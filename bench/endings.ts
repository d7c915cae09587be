/**
 * Ends processes with traffic running, in each of five ways, and counts those that did not end as they should.
 *
 *     deno run -A bench/endings.ts [starts of each way, default 100] [runtime, default all]
 */
import process from "node:process";
import type { Ended } from "../tests/support/program.ts";
import { chosen, print, runBench } from "./table.ts";

const [count = "100", ...names] = process.argv.slice(2);
const starts = Number(count);
const AT_ONCE = 2;
const WAYS = ["exit", "natural", "throw", "close", "terminate"];

const rows = [];
let unclean = 0;
for (const runtime of await chosen(names)) {
  for (const way of WAYS) {
    const row = {
      runtime: `${runtime.name} ${runtime.version}`,
      way,
      clean: 0,
      crashed: 0,
      hung: 0,
    };
    const start = async () => {
      const run = await runBench(
        runtime,
        "end.ts",
        [way],
        30_000,
      );
      const kind = judge(run, way);
      row[kind]++;
      if (kind !== "clean") console.error(way, run);
    };
    for (let done = 0; done < starts; done += AT_ONCE) {
      await Promise.all(
        Array.from({ length: Math.min(AT_ONCE, starts - done) }, start),
      );
    }
    unclean += row.crashed + row.hung;
    rows.push(row);
    console.log(row);
  }
}
print("Endings with traffic running", rows);
process.exit(unclean > 0 ? 1 : 0);

function judge(run: Ended, way: string): "clean" | "crashed" | "hung" {
  if (run.hung) return "hung";
  const expected = way === "throw" ? 1 : 0;
  return run.signal === null && run.code === expected ? "clean" : "crashed";
}

/**
 * How long `create` and `close` take, whether 1,000 cycles of them leave anything behind, and what an idle node costs.
 *
 *     deno run -A bench/lifecycle.ts [runtime, default all]
 */
import process from "node:process";
import { chosen, measure, print } from "./table.ts";

interface Cycles {
  createMs: number;
  closeMs: number;
  goroutines: [number, number];
  descriptors: [number, number];
  rssMB: [number, number];
}

const cycles = [];
const idle = [];
for (const runtime of await chosen(process.argv.slice(2))) {
  const name = `${runtime.name} ${runtime.version}`;
  const seen = await measure<Cycles>(
    runtime,
    "cycles.ts",
    [],
    300_000,
  );
  cycles.push({
    runtime: name,
    "create p50 ms": seen.createMs,
    "close p50 ms": seen.closeMs,
    "goroutines after 100 / 1,000": seen.goroutines.join(" / "),
    "descriptors": seen.descriptors.join(" / "),
    "RSS MB": seen.rssMB.join(" / "),
  });
  const { cpuMs, rssMB } = await measure<{ cpuMs: number; rssMB: number }>(
    runtime,
    "idle.ts",
  );
  idle.push({ runtime: name, "CPU ms a second": cpuMs, "RSS MB": rssMB });
}
print("1,000 cycles of create and close", cycles);
print("An idle node, DHT off, over 10 s", idle);

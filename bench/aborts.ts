/**
 * Giving up what waits: 100,000 sends to a peer that does not read, ended by one signal and by their timeouts, and 100,000 requests.
 *
 *     deno run -A bench/aborts.ts
 */
import { measure, print, runtimes } from "./table.ts";

const rows = [];
for (const runtime of await runtimes()) {
  const cases = [["sends", "signal"], ["sends", "timeout"], [
    "requests",
    "signal",
  ]];
  for (const args of cases) {
    const ended = await measure<object>(runtime, "aborts.ts", args);
    rows.push({
      runtime: `${runtime.name} ${runtime.version}`,
      what: args.join(", "),
      ...ended,
    });
  }
}
print("100,000 calls that are given up, milliseconds", rows);

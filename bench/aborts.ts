/**
 * Giving up what waits: 100,000 sends to a peer that does not read, and 100,000 requests, ended by one signal and by their timeouts.
 *
 *     deno run -A bench/aborts.ts
 */
import { measure, print, runtimes } from "./table.ts";

const rows = [];
for (const runtime of await runtimes()) {
  for (const what of ["sends", "requests"]) {
    for (const how of ["signal", "timeout"]) {
      const ended = await measure<object>(runtime, "aborts.ts", [what, how]);
      rows.push({
        runtime: `${runtime.name} ${runtime.version}`,
        what: `${what}, ${how}`,
        ...ended,
      });
    }
  }
}
print("100,000 calls that are given up, milliseconds", rows);

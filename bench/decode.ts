/**
 * How long `decodeMessage` takes for messages that were made to slow it down, in each runtime.
 *
 *     deno run -A bench/decode.ts [--count 2000] [--size 1048576] [--seed 1] [--limit 1000]
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { measure, print, runtimes } from "./table.ts";

interface Seen {
  slowest: [string, { message: number; ms: number; cpu: number }][];
  undeclared: string[];
  mostMB: number;
}

const HELP =
  `Reads messages that were made to slow a reader down, or to fill its memory.

    deno run -A bench/decode.ts [options]

    --count  how many messages in each runtime (2000)
    --size   about how many bytes each of them has (1048576)
    --seed   which messages (1)
    --limit  milliseconds of a processor that each may take (1000)

Prints the one of each kind that took longest. Ends with 1 if one took longer than it may, or anything but a P2PError was thrown.`;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "2000" },
    size: { type: "string", default: String(1 << 20) },
    seed: { type: "string", default: "1" },
    limit: { type: "string", default: "1000" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const rows = [];
let failed = false;
for (const runtime of await runtimes()) {
  const { slowest, undeclared, mostMB } = await measure<Seen>(
    runtime,
    "decode.ts",
    [values.count, values.size, values.seed],
    3_600_000,
  );
  const name = `${runtime.name} ${runtime.version}`;
  for (const [kind, { message, ms, cpu }] of slowest) {
    rows.push({
      runtime: name,
      kind,
      "processor ms": Math.round(cpu),
      "in all ms": Math.round(ms),
      message,
    });
    failed ||= cpu > Number(values.limit);
  }
  for (const what of undeclared) console.error(name, what);
  failed ||= undeclared.length > 0;
  console.log(`${name}: ${mostMB} MB at most`);
}
print(`${values.count} hostile messages of ${values.size} bytes`, rows);
process.exit(failed ? 1 : 0);

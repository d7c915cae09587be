/**
 * Programs that look for broken promises: what was accepted arrives once, unchanged and in order, or is told as lost; nothing that a peer
 * does takes memory or time without a bound. Each prints its findings as lines of JSON and as a table, and ends with 1 when a promise was
 * broken.
 *
 *     deno run -A bench/faults.ts <name> [--runtime deno|bun|node|both|all] [--runs n] [--seconds n] [--seed n] [--only n] [--help]
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { buildLibrary } from "../scripts/build.ts";
import { aborts } from "./faults/aborts.ts";
import { churn } from "./faults/churn.ts";
import { disconnects } from "./faults/disconnects.ts";
import { floods } from "./faults/floods.ts";
import { large } from "./faults/large.ts";
import { scenarios } from "./faults/scenarios.ts";
import { outage } from "./faults/outage.ts";
import { stall } from "./faults/stall.ts";
import { vanish } from "./faults/vanish.ts";
import { chosen, type Program, report } from "./faults/report.ts";

const PROGRAMS: Record<string, Program> = {
  large,
  scenarios,
  disconnects,
  churn,
  outage,
  vanish,
  stall,
  floods,
  aborts,
};

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: "string", default: "both" },
    runs: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const [name] = positionals;
const program = Object.hasOwn(PROGRAMS, name ?? "")
  ? PROGRAMS[name]
  : undefined;
if (args.help || !program) {
  console.log(`deno run -A bench/faults.ts <name> [options]

${
    Object.entries(PROGRAMS).map(([name, { title }]) =>
      `  ${name.padEnd(13)}${title}`
    ).join("\n")
  }

  --runtime <name>  deno, bun, node, both (Deno and Bun, the default) or all
  --runs <n>        how often, or how many scenarios
  --seconds <n>     how long one run takes
  --seed <n>        where the random numbers begin (default 1)
  --only <n>        the run with this number alone`);
  process.exit(args.help ? 0 : 2);
}

await buildLibrary();
const kept = await report(program, {
  runtimes: await chosen(args.runtime),
  runs: whole("runs") ?? program.usual.runs,
  seconds: whole("seconds") ?? program.usual.seconds,
  seed: whole("seed")!,
  only: whole("only"),
});
process.exit(kept ? 0 : 1);

function whole(option: "runs" | "seconds" | "seed" | "only") {
  const text = args[option];
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`--${option} is a whole number, not "${text}"`);
  process.exit(2);
}

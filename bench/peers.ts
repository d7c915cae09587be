/**
 * The same work by this module in Deno, Bun and Node.js, by plain go-libp2p, by js-libp2p under three runtimes and by the Python node,
 * taking turns: a table, a JSON file and a chart under `bench/results/`. What is done stands in `docs/performance.md`.
 *
 *     deno task bench:peers [--runs 5] [--only w1-tcp,w2] [--by go,deno,bun] [--out name] [--help]
 */
import { join } from "@std/path";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  type Figures,
  findPrograms,
  type Program,
  runAlone,
  runPair,
  runStart,
} from "./peers/programs.ts";
import {
  chart,
  digits,
  type Outcome,
  type Row,
  table,
} from "./peers/report.ts";
import { type Contestant, type Task, TASKS } from "./peers/works.ts";

const { values: args } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    by: { type: "string", default: "" },
    out: { type: "string", default: "peers" },
    help: { type: "boolean", default: false },
  },
});
if (args.help) {
  console.log(`deno task bench:peers [options]
  --runs <n>     how often each work is done by each program, taking turns (default 5)
  --only <ids>   only the works whose id begins with one of these, separated by commas
  --by <names>   only programs with these names: go, deno, bun, node, js-deno, js-bun, js-node, python
  --out <name>   name of the files in bench/results (default "peers")
works: ${TASKS.map(({ id }) => id).join(" ")}`);
  process.exit(0);
}

const RUNS = Number(args.runs);
const DEADLINE = 15_000;
const wanted = (list: string, name: string, whole = false) =>
  list === "" ||
  list.split(",").some((part) => whole ? name === part : name.startsWith(part));

const programs = await findPrograms((text) => console.error(text));
const tasks = TASKS.filter(({ id }) => wanted(args.only, id));
const outcomes: Outcome[] = tasks.map((task) => ({
  id: task.id,
  title: task.title,
  unit: task.unit,
  more: task.more,
  rows: task.contestants
    .filter(({ program }) =>
      programs.has(program) && wanted(args.by, program, true)
    )
    .map(({ name }) => ({ name, values: [], also: {} })),
}));

for (let run = 1; run <= RUNS; run++) {
  for (const [index, task] of tasks.entries()) {
    for (const row of outcomes[index].rows) {
      const contestant = task.contestants.find(({ name }) =>
        name === row.name
      )!;
      await measure(task, contestant, row);
      console.error(
        `${run}/${RUNS} ${task.id} ${row.name}: ${
          row.error ?? `${digits(row.values.at(-1)!)} ${task.unit}`
        }`,
      );
    }
  }
}
report();

async function measure(task: Task, contestant: Contestant, row: Row) {
  // What has failed twice is a result; it need not take more time.
  if (row.error?.startsWith("fails:")) return;
  const program = programs.get(contestant.program)!;
  try {
    const figures = await runTask(task, contestant, program);
    row.values.push(task.value(figures));
    for (const [name, value] of Object.entries(task.also)) {
      (row.also[name] ??= []).push(value(figures));
    }
    row.error = undefined;
  } catch (error) {
    const { message } = error as Error;
    row.error = row.error ? `fails: ${message}` : message;
  }
}

function runTask(
  { how, work }: Task,
  { receive = {}, send = {} }: Contestant,
  program: Program,
): Promise<Figures> {
  if (how === "start") return runStart(program, work);
  if (how === "alone") return runAlone(program, { ...work, ...send }, DEADLINE);
  return runPair(program, work, receive, send, DEADLINE);
}

function report(): void {
  const folder = join(import.meta.dirname!, "results");
  mkdirSync(folder, { recursive: true });
  const machine = {
    processors: `${cpus().length} x ${cpus()[0].model}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
  };
  const versions = Object.fromEntries(
    [...programs.values()].map(({ name, version }) => [name, version]),
  );
  const when = new Date().toISOString();
  const head = `# ${args.out}, ${when.slice(0, 10)}

\`deno task bench:peers ${
    process.argv.slice(2).join(" ")
  }\`: medians of ${RUNS} runs, taking turns. ${machine.processors}, ${machine.memory}, Linux ${machine.kernel}. ${
    Object.entries(versions).map(([name, version]) => `${name} ${version}`)
      .join(", ")
  }.
`;
  const text = [head, ...outcomes.map(table)].join("\n");
  const save = (ending: string, content: string) =>
    writeFileSync(join(folder, `${args.out}.${ending}`), content);
  save("md", text);
  save("json", JSON.stringify({ when, machine, versions, outcomes }, null, 1));
  save("svg", chart(outcomes));
  console.log(text);
  console.error(`written to ${folder}`);
}

/** What the programs of bench/faults share: what they are asked, the rows that they answer, and how those are shown. */
import process from "node:process";
import { findRuntime, NAMES, type Runtime } from "../../scripts/runtimes.ts";
import { print } from "../table.ts";

/** What the command line asks for. */
export interface Request {
  runtimes: Runtime[];
  /** How many runs, or scenarios. */
  runs: number;
  seconds: number;
  seed: number;
  /** The number of the only run that is wanted. */
  only?: number;
}

/** A finding. `broken` says in words which promises were not kept. */
export interface Row {
  broken: string[];
  [name: string]: unknown;
}

/** One of the programs. */
export interface Program {
  /** What it does, in a sentence. */
  title: string;
  /** What it does when nothing is asked for. */
  usual: Pick<Request, "runs" | "seconds">;
  run(request: Request): AsyncIterable<Row>;
}

/** Runs a program; each row leaves as a line of JSON at once, and all of them as a table at the end. Answers whether every promise was kept. */
export async function report(
  { title, run }: Program,
  request: Request,
): Promise<boolean> {
  const rows: Row[] = [];
  for await (const row of run(request)) {
    console.log(JSON.stringify(row));
    rows.push(row);
  }
  // Hundreds of rows in which all is well tell nobody anything.
  const shown = rows.length > 60
    ? rows.filter((row) => row.broken.length > 0)
    : rows;
  for (const alike of Map.groupBy(shown, columns).values()) {
    print(title, alike.map((row) => ({ ...row, broken: inWords(row.broken) })));
  }
  const broken = rows.filter((row) => row.broken.length > 0).length;
  console.log(
    `${rows.length} rows, ${broken} with a broken promise, seed ${request.seed}`,
  );
  return rows.length > 0 && broken === 0;
}

function columns(row: Row): string {
  return Object.keys(row).join();
}

/** What was broken, each in so many words once. */
function inWords(broken: string[]): string {
  const counts = Map.groupBy(broken, (what) => what);
  return Array.from(
    counts,
    ([what, all]) => all.length > 1 ? `${all.length} times ${what}` : what,
  ).join("; ");
}

/** What `work` finds. That it fails is a finding too. */
export async function attempt(
  about: Omit<Row, "broken">,
  work: () => Promise<Row>,
): Promise<Row> {
  try {
    return { ...about, ...await work() };
  } catch (error) {
    return { ...about, broken: [`failed: ${error}`] };
  }
}

/** The runtimes that were asked for. */
export async function chosen(name: string): Promise<Runtime[]> {
  const both = NAMES.slice(0, 2);
  const known = { both, all: NAMES } as Record<string, typeof NAMES>;
  for (const one of NAMES) known[one] = [one];
  if (Object.hasOwn(known, name)) {
    return await Promise.all(known[name].map(findRuntime));
  }
  console.error(`--runtime is deno, bun, node, both or all, not "${name}"`);
  process.exit(2);
}

/** Every pair of the runtimes that were asked for, the sender first. */
export function pairings(runtimes: Runtime[]): [Runtime, Runtime][] {
  return runtimes.flatMap((from) =>
    runtimes.map((to): [Runtime, Runtime] => [from, to])
  );
}

/** A program's way to say where it is, beside its results. */
export function progress(text: string): void {
  console.error(text);
}

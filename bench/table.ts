/** What the measurements share: running a program in each runtime, medians, and tables. */
import { join } from "@std/path";
import { findRuntime, NAMES, type Runtime } from "../scripts/runtimes.ts";
import { type Ended, runProgram } from "../tests/support/program.ts";

/** All runtimes, Deno first. */
export function runtimes(): Promise<Runtime[]> {
  return chosen([]);
}

/** The runtimes of these names; without a name all. */
export function chosen(names: string[]): Promise<Runtime[]> {
  const wanted = NAMES.filter((name) =>
    names.length === 0 || names.includes(name)
  );
  return Promise.all(wanted.map(findRuntime));
}

/** Runs a program of `bench/programs/` to its end, for at most `deadline` milliseconds. */
export function runBench(
  runtime: Runtime,
  program: string,
  args: string[] = [],
  deadline = 60_000,
): Promise<Ended> {
  return runProgram(join("..", "..", "bench", "programs", program), {
    args,
    runtime: runtime.name,
    path: runtime.path,
    deadline,
  });
}

/** Runs a program that prints one line of JSON at its end. */
export async function measure<T>(
  runtime: Runtime,
  program: string,
  args: string[] = [],
  deadline?: number,
): Promise<T> {
  const run = await runBench(runtime, program, args, deadline);
  if (run.code !== 0) {
    throw new Error(`${runtime.name} ${program}: ${JSON.stringify(run)}`);
  }
  return JSON.parse(run.stdout.trim().split("\n").at(-1)!);
}

/** The middle value. */
export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Prints rows under a title, with the runtimes that were measured. */
export function print(title: string, rows: Record<string, unknown>[]): void {
  console.log(`\n${title}`);
  console.table(rows);
}

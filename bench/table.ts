/** What the measurements share: running a program in either runtime, medians, and tables. */
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findRuntime, type Runtime } from "../scripts/runtimes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Both runtimes, Deno first. */
export async function runtimes(): Promise<Runtime[]> {
  return [await findRuntime("deno"), await findRuntime("bun")];
}

/** How a program ended and what it printed. */
export interface Run {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  hung: boolean;
}

/** Runs a program of this repository to its end, for at most `deadline` milliseconds. */
export function runProgram(
  runtime: Runtime,
  program: string,
  args: string[] = [],
  deadline = 60_000,
): Promise<Run> {
  const flags = runtime.name === "deno" ? ["run", "-A", "--quiet"] : ["run"];
  const child = spawn(runtime.path, [...flags, program, ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const run = { stdout: "", stderr: "", hung: false };
  child.stdout.setEncoding("utf8").on("data", (text) => run.stdout += text);
  child.stderr.setEncoding("utf8").on("data", (text) => run.stderr += text);
  const timer = setTimeout(() => {
    run.hung = true;
    child.kill("SIGKILL");
  }, deadline);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ ...run, code, signal });
    });
  });
}

/** Runs a program that prints one line of JSON at its end. */
export async function measure<T>(
  runtime: Runtime,
  program: string,
  args: string[] = [],
  deadline?: number,
): Promise<T> {
  const run = await runProgram(runtime, program, args, deadline);
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

/**
 * Runs a program of `tests/programs/` in a process of its own, in the runtime that
 * runs the tests unless another is named, and tells how it ended.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { CURRENT, RUN, type Runtime } from "../../scripts/runtimes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DEADLINE = 30_000;

/** How to run a program. */
export interface ProgramOptions {
  args?: string[];
  env?: Record<string, string>;
  /** What the runtime is to allow instead of everything, in its own flags. */
  permissions?: string[];
  /** Its working folder, this repository unless said. */
  cwd?: string;
  /** An executable other than the one that runs the tests. */
  path?: string;
  /** Which runtime that is. */
  runtime?: Runtime["name"];
  /** Given the process as soon as it is started. */
  started?(child: ChildProcess): void;
  /** Milliseconds after which it counts as hung, 30,000 unless said. */
  deadline?: number;
}

/** How a program ended. */
export interface Ended {
  /** The exit code; `null` when a signal ended it. */
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** Whether it was killed because it did not end by itself. */
  hung: boolean;
}

/** Runs `tests/programs/<name>`, or a program elsewhere by its whole path, and waits for its end. */
export function runProgram(
  name: string,
  options: ProgramOptions = {},
): Promise<Ended> {
  const { runtime = CURRENT, path = process.execPath, permissions } = options;
  const run = permissions
    ? [...RUN[runtime].filter((flag) => flag !== "-A"), ...permissions]
    : RUN[runtime];
  const program = resolve(ROOT, "tests", "programs", name);
  const child = spawn(path, [...run, program, ...options.args ?? []], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, NO_COLOR: "1", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  options.started?.(child);
  const ended = { stdout: "", stderr: "", hung: false };
  child.stdout.setEncoding("utf8").on("data", (text) => ended.stdout += text);
  child.stderr.setEncoding("utf8").on("data", (text) => ended.stderr += text);
  const deadline = setTimeout(() => {
    ended.hung = true;
    child.kill("SIGKILL");
  }, options.deadline ?? DEADLINE);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(deadline);
      resolve({ ...ended, code, signal });
    });
  });
}

/** Runs a program that tells on stdout, a line of JSON each, how its cases went, and hands each result to a test. */
import { AssertionError } from "@std/assert";
import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CURRENT, RUN } from "../../scripts/runtimes.ts";

/** How a case went. */
export interface Result {
  name: string;
  /** Why it failed. */
  error?: string;
  /** What was measured. */
  figures?: string;
}

/** Whoever runs the tests may insist that none of these is skipped. */
const REQUIRED = process.env.P2P_REQUIRE_LIVE_TESTS === "1";

/** Makes a test of each case; where they cannot run, `command` says why, and they are skipped. */
export function testCases(
  names: string[],
  program: string,
  command: { before: string[]; after: string[] } | string,
  deadline: number,
): void {
  const missing = typeof command === "string" ? command : undefined;
  if (missing !== undefined) {
    console.log(`not tested (${program}): ${missing}`);
  }
  let results: Map<string, Promise<Result>> | undefined;
  for (const name of names) {
    test(name, { skip: missing !== undefined && !REQUIRED }, async () => {
      if (typeof command === "string") throw new AssertionError(command);
      results ??= runProgram(names, program, command, deadline);
      const { error, figures } = await results.get(name)!;
      if (error !== undefined) throw new AssertionError(error);
      if (figures !== undefined) console.log(`${name}: ${figures}`);
    });
  }
}

/** Runs all cases; one that the program has not told of when it ends has failed. */
function runProgram(
  names: string[],
  program: string,
  { before, after }: { before: string[]; after: string[] },
  timeout: number,
): Map<string, Promise<Result>> {
  const pending = new Map(
    names.map((name) => [name, Promise.withResolvers<Result>()]),
  );
  const path = fileURLToPath(new URL(program, import.meta.url));
  const run = [process.execPath, ...RUN[CURRENT], path, ...after];
  const [command, ...args] = [...before, ...run];
  const child = spawn(command, args, { timeout });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => stderr += text);
  createInterface(child.stdout).on("line", (line) => {
    const result: Result = JSON.parse(line);
    pending.get(result.name)!.resolve(result);
  });
  child.on("close", (code, signal) => {
    const error = `the program ended before: ${code ?? signal}\n${stderr}`;
    for (const [name, { resolve }] of pending) resolve({ name, error });
  });
  return new Map(
    [...pending].map(([name, { promise }]) => [name, promise]),
  );
}

/** Runs cases one after the other and tells of each. */
export async function tellOf(
  cases: Iterable<[string, () => Promise<unknown>]>,
): Promise<void> {
  for (const [name, run] of cases) {
    const result: Result = { name };
    try {
      const figures = await run();
      if (typeof figures === "string") result.figures = figures;
    } catch (error) {
      result.error = error instanceof Error ? error.stack : String(error);
    }
    console.log(JSON.stringify(result));
  }
}

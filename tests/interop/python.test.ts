/**
 * This module and the Python node speak with each other. The cases are in `direct.ts` and `topics.ts`; `program.ts` runs
 * them where both are cut off from every network, and here each is a test.
 */
import { AssertionError } from "@std/assert";
import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { cases, type Result } from "./cases.ts";
import { type Setup, setUp } from "./setup.ts";

const PROGRAM = fileURLToPath(new URL("program.ts", import.meta.url));
const DEADLINE = 120_000;

const setup = setUp();
if (typeof setup === "string") {
  console.log(`not tested with the Python node: ${setup}`);
}
let results: Map<string, Promise<Result>> | undefined;

for (const name of cases.keys()) {
  test(name, { skip: typeof setup === "string" }, async () => {
    results ??= runProgram(setup as Setup);
    const { error } = await results.get(name)!;
    if (error !== undefined) throw new AssertionError(error);
  });
}

/** Runs all cases; one that the program has not told of when it ends has failed. */
function runProgram({ isolate, python }: Setup): Map<string, Promise<Result>> {
  const pending = new Map(
    [...cases.keys()].map((name) => [name, Promise.withResolvers<Result>()]),
  );
  const flags = process.versions.bun ? [] : ["-A", "--quiet"];
  const program = [process.execPath, "run", ...flags, PROGRAM, ...python];
  const [command, ...args] = [...isolate, ...program];
  const child = spawn(command, args, { timeout: DEADLINE });
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

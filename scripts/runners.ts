/**
 * Runs the tests with each runtime's own runner, and reads its report.
 *
 * @module
 */
import { join } from "@std/path";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { RUN } from "./runtimes.ts";
import {
  bunCounts,
  denoCounts,
  nodeCounts,
  type Outcome,
  run,
} from "./steps.ts";

const HERE = { cwd: fileURLToPath(new URL("..", import.meta.url)) };

/** Runs all tests in Bun. */
export async function testInBun(bun: string): Promise<Outcome> {
  const args = ["test", "--timeout", "60000", "tests/"];
  return bunCounts(await run(bun, args, HERE));
}

/** Runs tests in Deno. */
export function testInDeno(
  deno: string,
  paths: string[],
): Promise<Outcome> {
  return withReport(async (report) => {
    const args = ["test", "-A", `--junit-path=${report}`, ...paths];
    return denoCounts(await run(deno, args, HERE), read(report));
  });
}

/** Runs all tests in Node.js. */
export function testInNode(node: string): Promise<Outcome> {
  return withReport(async (report) => {
    const args = [
      ...RUN.node,
      "--test",
      // One process for all, as in Bun.
      "--test-isolation=none",
      ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
      ...["--test-reporter=junit", `--test-reporter-destination=${report}`],
      "tests/**/*.test.ts",
    ];
    return nodeCounts(await run(node, args, HERE), read(report));
  });
}

/** Calls `work` with a path for a report. */
async function withReport<T>(work: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "p2p-report-"));
  try {
    return await work(join(folder, "report.xml"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A report; empty when the runner has not written one. */
function read(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

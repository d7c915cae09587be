/** A program with a node on a fixed port under a runtime's watcher, edited again and again; for the test and the measurement of restarts. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { RUN, type Runtime } from "../../scripts/runtimes.ts";
import { findFreePorts } from "./ports.ts";

const ROOT = new URL("../..", import.meta.url);
/** After so long an edit was not seen; a restart on a loaded machine takes 2 s. */
const UNSEEN_MS = 6000;

/** The flags of the watchers of a runtime. */
export const WATCHERS: Record<Runtime["name"], string[][]> = {
  deno: [["run", "-A", "--watch"]],
  bun: [["--hot"], ["--watch"]],
  node: [[...RUN.node, "--watch"]],
};

/** What a run of the program says once it listens. */
export interface Listening {
  edit: number;
  peerId: string;
  nodes: number;
  goroutines: number;
  descriptors: number;
}

/** A runtime whose watcher is used. */
export type WatchedRuntime = Pick<Runtime, "name" | "path">;

/** Runs a program with a node under the watcher and edits it each time it listens. */
export async function editNode(
  times: number,
  runtime: WatchedRuntime,
  flags: string[],
  folder: string,
): Promise<(Listening & { took: number })[]> {
  const identityDir = join(folder, "identity");
  const port = await findFreePorts();
  const program = (edit: number) => withNode(edit, identityDir, port);
  return await edit<Listening>(times, runtime, flags, folder, program);
}

/** How many descriptors the watcher itself leaves open over as many edits of a program without a node: Deno 2.8.0 to 2.9.1 and Bun before 1.3.9 do. */
export async function editNothing(
  times: number,
  runtime: WatchedRuntime,
  flags: string[],
  folder: string,
): Promise<number> {
  const program = (edit: number) => `
    import { readdirSync } from "node:fs";
    const descriptors = readdirSync("/proc/self/fd").length;
    console.log(JSON.stringify({ edit: ${edit}, descriptors }));
    setInterval(() => {}, 1000);
  `;
  const runs = await edit<Listening>(times, runtime, flags, folder, program);
  return runs[times].descriptors - runs[1].descriptors;
}

async function edit<T extends { edit: number }>(
  times: number,
  runtime: WatchedRuntime,
  flags: string[],
  folder: string,
  program: (edit: number) => string,
): Promise<(T & { took: number })[]> {
  const file = join(folder, "program.ts");
  let edited = 0;
  let again: ReturnType<typeof setTimeout>;
  const write = (edit: number) => {
    // In place and of one length: a watcher that looks while a file is truncated runs an empty program, and Bun's follows no renaming.
    const flag = existsSync(file) ? "r+" : "w";
    writeFileSync(file, program(edit).padEnd(2000), { flag });
    edited = performance.now();
    // A watcher misses an edit that comes before it looks: the edit is written again until it has been seen.
    clearTimeout(again);
    again = setTimeout(() => write(edit), UNSEEN_MS);
  };
  write(0);
  const args = runtime.name === "deno"
    ? [...flags, "--config", fileURLToPath(new URL("deno.json", ROOT)), file]
    : [...flags, file];
  const child = spawn(runtime.path, args, {
    cwd: fileURLToPath(ROOT),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => stderr += text);
  const deadline = setTimeout(() => child.kill("SIGTERM"), 60_000);
  const runs: (T & { took: number })[] = [];
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith("{")) continue;
      const took = Math.round(performance.now() - edited);
      const run: T = JSON.parse(line);
      if (run.edit !== runs.length) continue;
      runs.push({ ...run, took });
      if (runs.length > times) break;
      write(runs.length);
    }
  } finally {
    clearTimeout(again!);
    clearTimeout(deadline);
    // Node's watcher has the program in a process of its own, which it ends when it is asked to end.
    child.kill("SIGTERM");
  }
  assertEquals(runs.length, times + 1, stderr);
  return runs;
}

/** A program that never closes its node: ending it is the restart's business. */
function withNode(edit: number, identityDir: string, port: number): string {
  const support = new URL("tests/support/", ROOT).href;
  return `
    import { readdirSync } from "node:fs";
    import { createNode } from "${support}node.ts";
    import { inspect } from "${support}inspect.ts";
    const node = await createNode(${JSON.stringify({ identityDir, port })});
    const { nodes, goroutines } = await inspect();
    console.log(JSON.stringify({
      edit: ${edit}, peerId: node.peerId, nodes, goroutines,
      descriptors: readdirSync("/proc/self/fd").length,
    }));
  `;
}

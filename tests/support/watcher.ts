/** A program with a node on a fixed port under a runtime's watcher, edited again and again; for the test and the measurement of restarts. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findFreePorts } from "./ports.ts";

const ROOT = new URL("../..", import.meta.url);

/** The flags of the watchers of a runtime. */
export const WATCHERS: Record<"deno" | "bun", string[][]> = {
  deno: [["run", "-A", "--watch"]],
  bun: [["--hot"], ["--watch"]],
};

/** What a run of the program says once it listens. */
export interface Listening {
  edit: number;
  peerId: string;
  nodes: number;
  goroutines: number;
  descriptors: number;
  /** Milliseconds from the edit to here. */
  took: number;
}

/** Runs a program under the watcher and edits it each time it listens. */
export async function edit(
  times: number,
  runtime: { name: "deno" | "bun"; path: string },
  flags: string[],
  folder: string,
): Promise<Listening[]> {
  const file = join(folder, "program.ts");
  const port = await findFreePorts();
  let edited = 0;
  const write = (edit: number) => {
    writeFileSync(file, program(edit, join(folder, "identity"), port));
    edited = performance.now();
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
  const deadline = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const runs: Listening[] = [];
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith("{")) continue;
      const took = Math.round(performance.now() - edited);
      runs.push({ ...JSON.parse(line), took });
      if (runs.length > times) break;
      write(runs.length);
    }
  } finally {
    clearTimeout(deadline);
    child.kill("SIGKILL");
  }
  assertEquals(runs.length, times + 1, stderr);
  return runs;
}

/** A program that never closes its node: ending it is the restart's business. */
function program(edit: number, identityDir: string, port: number): string {
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

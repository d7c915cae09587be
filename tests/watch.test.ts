/** A program with a fixed port under its runtime's watcher: every edit restarts it, and nothing of the earlier run stays behind. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { withFolder } from "./support/node.ts";
import { findFreePorts } from "./support/ports.ts";
import { RUNTIME } from "./support/program.ts";

const EDITS = 5;
const ROOT = new URL("..", import.meta.url);
const WATCHERS: Record<string, string[][]> = {
  deno: [["run", "-A", "--watch"]],
  bun: [["--hot"], ["--watch"]],
};

/** What a run of the program says once it listens. */
interface Listening {
  edit: number;
  peerId: string;
  nodes: number;
  goroutines: number;
  descriptors: number;
}

test("a watcher restarts a node on its port at each edit", async () => {
  for (const flags of WATCHERS[RUNTIME]) {
    await withFolder(async (folder) => {
      const runs = await editFiveTimes(folder, flags);
      const [, first] = runs;
      const last = runs[EDITS];
      assertEquals(runs.map(({ edit }) => edit), [0, 1, 2, 3, 4, 5]);
      assertEquals(new Set(runs.map(({ peerId }) => peerId)).size, 1);
      assertEquals(runs.map(({ nodes }) => nodes), [1, 1, 1, 1, 1, 1]);
      const grown = last.descriptors - first.descriptors;
      assert(grown < EDITS - 1, `${flags}: ${grown} more descriptors`);
      const more = last.goroutines - first.goroutines;
      assert(more < 10, `${flags}: ${more} more goroutines`);
    });
  }
});

/** Runs a program under the watcher and edits it each time it listens. */
async function editFiveTimes(
  folder: string,
  flags: string[],
): Promise<Listening[]> {
  const file = join(folder, "program.ts");
  const port = await findFreePorts();
  const write = (edit: number) =>
    writeFileSync(file, program(edit, join(folder, "identity"), port));
  write(0);
  const args = RUNTIME === "deno"
    ? [...flags, "--config", fileURLToPath(new URL("deno.json", ROOT)), file]
    : [...flags, file];
  const child = spawn(process.execPath, args, {
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
      runs.push(JSON.parse(line));
      if (runs.length > EDITS) break;
      write(runs.length);
    }
  } finally {
    clearTimeout(deadline);
    child.kill("SIGKILL");
  }
  assertEquals(runs.length, EDITS + 1, stderr);
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

/**
 * Compiles `examples/c/two_nodes.c` against a library and runs it: the test of a library that needs no JavaScript runtime, and so can be done
 * for other systems too.
 *
 * @module
 */
import { join } from "@std/path";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { type Finished, run } from "./steps.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROGRAM = join(ROOT, "examples", "c", "two_nodes.c");
const HEADER = join(ROOT, "go", "bridge");
/** What the program says when all went well. */
const SAID = 'bob received "hello"';

/** How the program is built and run. */
export interface Way {
  /** The C compiler, with its arguments. */
  compiler: string[];
  /** What runs the executables of another system, with its arguments. */
  runner?: string[];
  /** What the nodes talk over, one after the other. */
  transports?: string[];
  env?: Record<string, string>;
}

/** Compiles the program, runs it over each transport, and says how that went. */
export async function runExample(
  library: string,
  { compiler, runner = [], transports = ["tcp", "quic"], env }: Way,
): Promise<Finished> {
  const folder = mkdtempSync(join(tmpdir(), "p2p-example-"));
  try {
    // Beside the program Windows finds it, and the others find it by its path.
    const beside = join(folder, basename(library));
    copyFileSync(library, beside);
    const executable = join(folder, "two_nodes.exe");
    const [command, ...args] = [
      ...[...compiler, "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror"],
      ...["-I", HEADER, PROGRAM, beside, "-o", executable],
    ];
    const compiled = await run(command, args, { cwd: folder, env });
    if (compiled.code !== 0) return compiled;
    let output = "";
    for (const transport of transports) {
      const [start, ...rest] = [...runner, executable, transport];
      const finished = await run(start, rest, { cwd: folder, env });
      output += `${transport}: ${finished.output}`;
      const well = finished.code === 0 && finished.output.includes(SAID);
      if (!well) return { code: finished.code || 1, output };
    }
    return { code: 0, output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What each piece of a message's way costs, in both runtimes.
 *
 *     deno task bench
 */
import { join } from "@std/path";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { runtimes } from "./table.ts";

const [deno, bun] = await runtimes();
const folder = join(import.meta.dirname!, "micro");
const commands: [string, string[]][] = [
  [deno.path, ["bench", "-A", "--quiet", join(folder, "pieces_bench.ts")]],
  [bun.path, ["--install=force", join(folder, "bun.ts")]],
];
for (const [command, args] of commands) {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

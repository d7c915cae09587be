/**
 * What each piece of a message's way costs, in each runtime.
 *
 *     deno task bench
 */
import { join } from "@std/path";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { RUN } from "../scripts/runtimes.ts";
import { runtimes } from "./table.ts";

const MITATA = "mitata@1.0.34";
const [deno, bun, node] = await runtimes();
const folder = join(import.meta.dirname!, "micro");
const modules = join(import.meta.dirname!, "..", ".cache", "bench", "micro");
const mitata = join(folder, "mitata.ts");
const commands: [string, string[]][] = [
  [deno.path, ["bench", "-A", "--quiet", join(folder, "pieces_bench.ts")]],
  // Bun fetches it by itself.
  [bun.path, ["--install=force", mitata, MITATA]],
  ["npm", ["install", "--silent", "--prefix", modules, MITATA]],
  [node.path, [
    ...RUN.node,
    mitata,
    join(modules, "node_modules", "mitata", "src", "main.mjs"),
  ]],
];
for (const [command, args] of commands) {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

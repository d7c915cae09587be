/** Two copies of this module in one program: two versions of one package, or one from npm and one from JSR. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildLibrary } from "../scripts/build.ts";
import { withFolder } from "./support/node.ts";
import { type Ended, runProgram } from "./support/program.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Runs the program with a copy in which the ABI is another one or not. */
async function run(how: "same" | "other"): Promise<Ended> {
  const library = await buildLibrary();
  return await withFolder((folder) => {
    for (const name of ["mod.ts", "src"]) {
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    }
    if (how === "other") {
      const codec = join(folder, "src", "native", "codec.ts");
      const source = readFileSync(codec, "utf8");
      const other = source.replace(/export const ABI = \d+/, "$&00");
      writeFileSync(codec, other);
    }
    const args = [how, join(folder, "mod.ts"), folder, library];
    return runProgram("copies.ts", { args });
  });
}

test("two copies of the module in one program share a link, settings and errors", async () => {
  const { code, stdout, stderr } = await run("same");
  assertEquals([code, stdout, stderr], [0, "done\n", ""]);
});

test("a copy that speaks another ABI is refused by name, and the first goes on", async () => {
  const { code, stdout, stderr } = await run("other");
  assertEquals([code, stdout, stderr], [0, "done\n", ""]);
});

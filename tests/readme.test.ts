/** The README's first program, as it is printed there: two processes of any runtime, one waits, one greets, both are answered. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  CURRENT,
  findRuntime,
  NAMES,
  RUN,
  type Runtime,
} from "../scripts/runtimes.ts";
import { RELEASE } from "../src/native/artefacts.ts";
import { RUNTIMES } from "../src/native/runtimes.ts";
import { converse, type Hello, startHello } from "./support/hello.ts";
import { withFolder } from "./support/node.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const [, program] = /```ts\n(.*?)```/s.exec(readme)!;

test("the README's first program is the example", () => {
  const example = readFileSync(join(ROOT, "examples", "hello.ts"), "utf8");
  assertEquals(example.slice(example.indexOf("import ")), program);
});

test("the README tells how to start its first program twice", () => {
  assertStringIncludes(readme, "deno run -A hello.ts alice ");
  assertStringIncludes(readme, "bun hello.ts bob /ip4/");
});

test("the README's tables say what the code and the release say", () => {
  for (const { name, minimum } of RUNTIMES) {
    assertStringIncludes(readme, `| ${name} | ${minimum} | `);
  }
  for (const platform of readdirSync(join(ROOT, "packages"))) {
    const artefact = RELEASE.artefacts[platform];
    const size = artefact && `${(artefact.packedBytes / 1e6).toFixed(1)} MB`;
    assertStringIncludes(readme, `| ${platform} | ${size ?? ""}`);
  }
  const installing = readFileSync(join(ROOT, "docs/installing.md"), "utf8");
  const granted = installing.match(/^\|.*`--allow-ffi.*$/gm)!;
  assertEquals(granted.length, 3);
  for (const row of granted) assertStringIncludes(readme, row);
});

for (const other of NAMES) {
  test(`the README's first program greets another in ${other}, and is answered`, async () => {
    const [here, there] = await Promise.all([
      findRuntime(CURRENT),
      findRuntime(other),
    ]);
    await withFolder(async (folder) => {
      writeFileSync(join(folder, "hello.ts"), program);
      // As if the package were installed there; Deno is told where by its configuration.
      mkdirSync(join(folder, "node_modules", "@unaiverse"), {
        recursive: true,
      });
      symlinkSync(ROOT, join(folder, "node_modules", "@unaiverse", "p2p"));
      const said = await converse(
        () => start(there, folder, ["alice"]),
        (address) => start(here, folder, ["bob", address]),
      );
      assertEquals(said, { greeted: true, answered: true });
    });
  });
}

/** Starts the program in a folder. */
function start({ name, path }: Runtime, cwd: string, args: string[]): Hello {
  const config = name === "deno" ? ["--config", join(ROOT, "deno.json")] : [];
  const run = [path, ...RUN[name], ...config, "hello.ts"];
  return startHello([...run, ...args], { cwd });
}

/** Processes with nodes: how long they live, and that each way to end is a clean one. */
import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildLibrary } from "../scripts/build.ts";
import { findRuntime, findVersion } from "../scripts/runtimes.ts";
import { withFolder } from "./support/node.ts";
import { findFreePorts } from "./support/ports.ts";
import { type Ended, runProgram } from "./support/program.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const ends: [how: string, code: number][] = [
  ["exit", 3],
  ["throw", 1],
  ["close", 0],
  ["closeAll", 0],
  ["unref", 0],
];
for (const [how, code] of ends) {
  test(`a process with traffic running ends cleanly by "${how}"`, async () => {
    const ended = await run("ends.ts", [how]);
    assertEquals([ended.code, ended.signal, ended.hung], [code, null, false]);
    if (how === "throw") assertStringIncludes(ended.stderr, "on purpose");
    else assertEquals(ended.stderr, "");
  });
}

test("a node keeps its process alive", async () => {
  const ended = await run("alive.ts");
  assertEquals([ended.code, ended.stdout], [0, "still alive\n"]);
});

test("WebAssembly and timers work beside the library", async () => {
  const ended = await run("wasm.ts");
  assertEquals([ended.code, ended.stdout], [0, "1000000\n"]);
});

// Without the signal guard (go/bridge/signals_unix.c) this version hangs for ever; later ones may not.
test("WebAssembly and timers work beside the library in Bun 1.3.13", async (t) => {
  const bun = await findVersion("bun", "1.3.13").catch(() => undefined);
  if (bun === undefined) {
    const reason = "npm cannot provide Bun 1.3.13";
    console.log(`skipped: ${reason}`);
    return t.skip(reason);
  }
  const ended = await withFolder((folder) =>
    runProgram("wasm.ts", { args: [folder], runtime: "bun", path: bun.path })
  );
  assertEquals([ended.code, ended.stdout], [0, "1000000\n"], ended.stderr);
});

test("two million calls of the library in one turn keep no memory", async () => {
  const { code, stdout, stderr } = await runProgram("calls.ts");
  assertEquals([code, stderr], [0, ""]);
  assertLess(Number(stdout), 30, "megabytes");
});

test("under Node's permission model a program needs --allow-ffi, and is told so", async () => {
  const { path } = await findRuntime("node");
  const library = await buildLibrary();
  const allow = ["--permission", `--allow-fs-read=${ROOT}`];
  const run = (permissions: string[]) =>
    withFolder((folder) =>
      runProgram("permission.ts", {
        ...{ args: [library, folder], runtime: "node", path, permissions },
      })
    );
  const refused = await run(allow);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "LIBRARY_FAILED");
  assertStringIncludes(refused.stderr, "Use --allow-ffi");
  const { code, stdout } = await run([...allow, "--allow-ffi"]);
  assertEquals([code, stdout], [0, "no other permission\n"]);
});

test("a listener or logger that throws is reported and stops nothing", async () => {
  const ended = await run("throwing.ts", ["caught"]);
  assertEquals([ended.code, ended.stdout], [
    0,
    "goes on\na listener's fault,a logger's fault\n",
  ], ended.stderr);
});

test("what a listener throws ends the process as the runtime has it, with its stack", async () => {
  const ended = await run("throwing.ts", ["uncaught"]);
  assertEquals([ended.code, ended.hung], [1, false]);
  assertStringIncludes(ended.stderr, "a listener's fault");
  assertStringIncludes(ended.stderr, "throwing.ts:");
});

test("four Workers have a node each, and a terminated one frees its port", async () => {
  const ended = await run("workers.ts", [], [`${await findFreePorts()}`]);
  assertEquals([ended.code, ended.stdout, ended.stderr], [
    0,
    "free in time\ndone\n",
    "",
  ]);
});

test("a main thread that stands still for 2 s loses nothing and holds up no other node", async () => {
  const ended = await run("blocked.ts");
  assertEquals([ended.code, ended.stdout.trim().split("\n")], [0, [
    "the receiver blocks",
    "others go on meanwhile",
    "the receiver goes on",
    "the receiver has everything, in order",
  ]], ended.stderr);
});

test("100,000 small and 2,000 large messages survive two pauses of the receiver", async () => {
  const ended = await runProgram("../../bench/programs/backpressure.ts");
  const { messages, intact } = JSON.parse(ended.stdout);
  assertEquals([messages, intact], [102_000, true], ended.stderr);
});

function run(
  name: string,
  before: string[] = [],
  after: string[] = [],
): Promise<Ended> {
  return withFolder((folder) =>
    runProgram(name, { args: [...before, folder, ...after] })
  );
}

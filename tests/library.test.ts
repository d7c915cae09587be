/** The settings of the library, which hold for a whole process, and its silence. */
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertThrows,
} from "@std/assert";
import { test } from "node:test";
import { P2P } from "../mod.ts";
import { withFolder } from "./support/node.ts";
import { type Ended, runProgram } from "./support/program.ts";

test("the library writes nothing to stdout and stderr, whatever is asked of it", async () => {
  const ended = await run("silent.ts", [], {
    GOLOG_LOG_LEVEL: "debug",
    GOLOG_OUTPUT: "stdout",
  });
  assertEquals([ended.code, ended.stdout, ended.stderr], [0, "", ""]);
});

test("the logger is given structured records, and a late setupLibrary() warns", async () => {
  const { code, stdout } = await run("logger.ts", ["debug"]);
  assertEquals(code, 0);
  const { before, records } = JSON.parse(stdout);
  assertGreater(before, 0);
  for (const { time, level, logger, message, fields } of records) {
    assert(Math.abs(time - Date.now()) < 60_000);
    assertMatch(level, /^(error|warn|info|debug)$/);
    assertEquals([typeof logger, typeof message], ["string", "string"]);
    assertEquals(typeof fields, "object");
  }
  assertEquals(records.length, before + 1);
  assertEquals(records.at(-1).level, "warn");
});

test("Go's profiler answers where setupLibrary() says, and a taken port is told", async () => {
  const free = await run("pprof.ts");
  assertEquals([free.code, free.stderr], [0, ""]);
  const { profile, warnings } = JSON.parse(free.stdout);
  assertMatch(profile, /^goroutine profile: total \d+/);
  assertEquals(warnings, []);
  const taken = await withFolder((folder) =>
    runProgram("pprof.ts", { args: [folder, "taken"] })
  );
  assertMatch(
    JSON.parse(taken.stdout).warnings[0],
    /^setupLibrary: the profiler cannot listen: .*address already in use/,
  );
});

test("the limits of the library are kept and places come free again", async () => {
  const ended = await run("limits.ts");
  assertEquals([ended.code, ended.stderr], [0, ""]);
});

for (
  const [policy, kept] of [
    ["drop-newest", "a0 a1 a2 a3 a4 b0 b1 b2 b3 b4"],
    ["drop-oldest", "a3 a4 a5 a6 a7 b3 b4 b5 b6 b7"],
  ]
) {
  test(`a full channel under "${policy}" drops, counts and tells`, async () => {
    const ended = await run("overflow.ts", [policy]);
    assertEquals([ended.code, ended.stdout], [0, `${kept}\n`]);
  });
}

test("settings of a wrong type or range are refused", () => {
  const wrong: [object, new () => Error][] = [
    [{ maxInstances: "32" }, TypeError],
    [{ maxInstances: 0 }, RangeError],
    [{ maxMessageSize: 2 ** 31 }, RangeError],
    [{ logger: "console" }, TypeError],
    [{ logLevel: "loud" }, RangeError],
    [{ maxInstance: 1 }, TypeError],
    [{ library: new URL("https://example.org/lib.so") }, RangeError],
  ];
  for (const [settings, kind] of wrong) {
    assertThrows(() => P2P.setupLibrary(settings), kind);
  }
});

function run(
  name: string,
  before: string[] = [],
  env: Record<string, string> = {},
): Promise<Ended> {
  return withFolder((folder) =>
    runProgram(name, { args: [...before, folder], env })
  );
}

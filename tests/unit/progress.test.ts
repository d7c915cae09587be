// What is said while the library comes: how much on a terminal, one line elsewhere.

import { assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import { showProgress } from "../../src/native/progress.ts";

/** What is written to standard error, as far as that is or is not a terminal. */
function written(terminal: boolean, action: () => void): string {
  const { stderr } = process;
  const before = { isTTY: stderr.isTTY, write: stderr.write };
  let text = "";
  try {
    stderr.isTTY = terminal;
    stderr.write = (piece: string | Uint8Array) => {
      text += piece;
      return true;
    };
    action();
  } finally {
    Object.assign(stderr, before);
  }
  return text;
}

function fetching(): void {
  const progress = showProgress("fetching it", 9_500_000);
  progress.show(1_000_000);
  progress.end();
}

test("a terminal shows how much of it has come, and in the end nothing", () => {
  assertMatch(
    written(true, fetching),
    // deno-lint-ignore no-control-regex
    /^\rfetching it: 1\.0 of 9\.5 MB\r\x1b\[K$/,
  );
});

test("elsewhere one line says what comes", () => {
  const line = "@unaiverse/p2p: fetching it (9.5 MB)\n";
  assertEquals(written(false, fetching), line);
});

// Which runtimes there are, how they are told apart, and which are new enough.

import { assertEquals, assertThrows } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { P2PError } from "../../mod.ts";
import {
  reaches,
  RUNTIMES,
  supportedRuntime,
} from "../../src/native/runtimes.ts";

test("versions are compared number by number", () => {
  assertEquals(reaches("2.7.14", "2.7.14"), true);
  assertEquals(reaches("2.7.13", "2.7.14"), false);
  assertEquals(reaches("2.10.0", "2.7.14"), true);
  assertEquals(reaches("3.0.0-rc.1+abc", "2.7.14"), true);
  assertEquals(reaches("1.9.99", "2.7.14"), false);
});

test("a runtime that calls itself Node too is told from Node", () => {
  const node = "99.0.0";
  assertEquals(supportedRuntime({ node, bun: "99.0.0" }).name, "Bun");
  assertEquals(supportedRuntime({ node, deno: "99.0.0" }).name, "Deno");
});

test("each runtime is taken in its oldest version and refused before it, by name", () => {
  for (const runtime of RUNTIMES) {
    const { name, key, minimum } = runtime;
    assertEquals(supportedRuntime({ [key]: minimum }), runtime);
    const old = `${Number.parseInt(minimum) - 1}.99.99`;
    const error = assertThrows(
      () => supportedRuntime({ [key]: old }),
      P2PError,
      `or newer; this is ${name} ${old}`,
    );
    assertEquals(error.code, "RUNTIME_UNSUPPORTED");
  }
  assertThrows(() => supportedRuntime({}), P2PError, "this is another runtime");
});

test("package.json asks for the same runtimes", () => {
  const manifest = new URL("../../package.json", import.meta.url);
  const { engines } = JSON.parse(readFileSync(manifest, "utf8"));
  const asked = RUNTIMES.map(({ key, minimum }) => [key, `>=${minimum}`]);
  assertEquals(engines, Object.fromEntries(asked));
});

// What is remembered for a while.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { Recent } from "../../src/recent.ts";

test("no more is remembered than there is room for, the oldest forgotten first", () => {
  const recent = new Recent<number, string>(3);
  for (let i = 0; i < 10_000; i++) {
    recent.set(i, `${i}`);
    assertEquals(recent.get(i), `${i}`);
    assertEquals(recent.size, Math.min(i + 1, 3));
  }
  const known = Array.from({ length: 10_000 }, (_, i) => recent.get(i));
  assertEquals(known.filter(Boolean), ["9997", "9998", "9999"]);
});

test("what is remembered anew takes no further place", () => {
  const recent = new Recent<string, number>(2);
  recent.set("a", 1);
  recent.set("b", 2);
  recent.set("a", 3);
  assertEquals([recent.get("a"), recent.get("b"), recent.size], [3, 2, 2]);
});

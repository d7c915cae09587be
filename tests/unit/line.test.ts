// The line of those who wait.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { Line } from "../../src/line.ts";

function drained<T>(line: Line<T>): T[] {
  const items: T[] = [];
  while (line.length > 0) items.push(line.shift()!);
  return items;
}

test("a line serves in the order of coming", () => {
  const line = new Line<number>();
  for (const n of [1, 2, 3]) line.push(n);
  assertEquals([line.length, line.first], [3, 1]);
  assertEquals(drained(line), [1, 2, 3]);
  assertEquals([line.length, line.first, line.shift()], [
    0,
    undefined,
    undefined,
  ]);
  line.push(4);
  assertEquals(drained(line), [4]);
});

test("whoever leaves a line is not served, and leaves once", () => {
  for (const leaving of [[0], [1], [2], [0, 1, 2], [2, 0], [1, 1, 0]]) {
    const line = new Line<number>();
    const places = [0, 1, 2].map((n) => line.push(n));
    for (const n of leaving) line.leave(places[n]);
    line.push(3);
    const staying = [0, 1, 2, 3].filter((n) => !leaving.includes(n));
    assertEquals([line.length, line.first], [staying.length, staying[0]]);
    assertEquals(drained(line), staying);
    for (const place of places) line.leave(place);
    assertEquals(line.length, 0);
  }
});

test("who was served cannot leave any more", () => {
  const line = new Line<number>();
  const first = line.push(1);
  line.push(2);
  assertEquals(line.shift(), 1);
  line.leave(first);
  assertEquals([line.length, line.first], [1, 2]);
});

// Which runtimes are new enough.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { reaches } from "../../src/native/library.ts";

test("versions are compared number by number", () => {
  assertEquals(reaches("2.7.14", "2.7.14"), true);
  assertEquals(reaches("2.7.13", "2.7.14"), false);
  assertEquals(reaches("2.10.0", "2.7.14"), true);
  assertEquals(reaches("3.0.0-rc.1+abc", "2.7.14"), true);
  assertEquals(reaches("1.9.99", "2.7.14"), false);
});

/** The source maps of the npm package: each line of the JavaScript still leads to its line of the TypeScript. */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { linesOnly } from "../../scripts/package/source_map.ts";

test("a source map with lines only keeps where each line begins", () => {
  // Columns 0 and 4 of line 1; nothing; columns 6, 11 and 17 of line 2; column 17 of it again.
  const mappings = "AAAA,IAAI;;IACE,KAAK,MAAM;AAAA";
  assertEquals(linesOnly(mappings), "AAAA;;IACM;AAAW");
});

test("a source map with lines only keeps lines that go back, and long jumps", () => {
  // Column 1000 of line 17, column 1005 of it, and from there five columns and a line back.
  assertEquals(linesOnly("AAgBw+B,KAAK;AADL"), "AAgBw+B;AADA");
});

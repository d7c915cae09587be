/** The version is written in three places, which have to agree. */
import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { VERSION } from "../src/version.ts";

for (const name of ["deno.json", "package.json"]) {
  test(`${name} has the version that the module announces`, () => {
    const url = new URL(`../${name}`, import.meta.url);
    assertEquals(JSON.parse(readFileSync(url, "utf8")).version, VERSION);
  });
}

/**
 * Every row of the API document of the Python class `P2P`, by its Python name: what it does there is done here by the name that
 * docs/python-parity.md has for it. The other tests go deeper; these say that nothing is missing, and that no option is ignored.
 */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import "./parity/ice.ts";
import "./parity/library.ts";
import "./parity/methods.ts";
import "./parity/options.ts";
import "./parity/properties.ts";
import { page, rows } from "./parity/row.ts";

test("docs/python-parity.md has no row without a test", () => {
  const names = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  assertEquals(names.sort(), [...rows].sort());
});

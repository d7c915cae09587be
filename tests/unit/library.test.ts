// Where a program runs.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { placeOf } from "../../src/native/remedies.ts";

test("the package is told from what was made of it", () => {
  const file = "src/native/library.ts";
  const places = [
    placeOf(`file:///home/alice/p2p/${file}`, false),
    placeOf(`file:///app/node_modules/@unaiverse/p2p/${file}`, false),
    placeOf(`https://jsr.io/@unaiverse/p2p/0.1.0/${file}`, false),
    placeOf("file:///app/dist/main.js", false),
    // `deno compile` keeps the files as they were, in a file system of its own.
    placeOf(`file:///tmp/deno-compile-program/p2p/${file}`, true),
    placeOf("file:///$bunfs/root/program", true),
  ];
  assertEquals(places, [
    "package",
    "package",
    "url",
    "bundle",
    "executable",
    "executable",
  ]);
});

// Where a program runs.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { InstallError } from "../../src/native/failures.ts";
import { isMusl } from "../../src/native/install.ts";
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

test("a process that musl has loaded is told from others by its memory", () => {
  const line = (path: string) =>
    `7f0c5e5f6000-7f0c5e60a000 r--p 00000000 fe:00 1234   ${path}\n`;
  const others = line("/usr/bin/bun") + line("/home/ld-musl-x/lib.so");
  const glibc = others + line("/usr/lib/x86_64-linux-gnu/libc.so.6");
  const musl = others + line("/lib/ld-musl-x86_64.so.1") + line("[stack]");
  assertEquals([isMusl(glibc), isMusl(musl)], [false, true]);
});

test("what a runtime does not allow is told from what goes wrong, however deep it lies", () => {
  const deno = Object.assign(new Error(), { name: "NotCapable" });
  const node = Object.assign(new Error(), { code: "ERR_ACCESS_DENIED" });
  const other = Object.assign(new Error(), { code: "EROFS" });
  const kinds = [deno, new Error("", { cause: deno }), node, other]
    .map((cause) => new InstallError("folder", "", cause).kind);
  assertEquals(kinds, ["permission", "permission", "permission", "folder"]);
});

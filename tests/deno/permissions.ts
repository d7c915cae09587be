/**
 * Deno's permissions: what a program with nodes has to be allowed. Not named
 * `.test.ts`, so that Bun leaves it alone; the test command runs it by itself.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { buildLibrary } from "../../scripts/build.ts";
import { withFolder } from "../support/node.ts";
import { runProgram } from "../support/program.ts";

Deno.test("a library that is named needs --allow-ffi for itself and nothing else", async () => {
  const library = await buildLibrary();
  const ended = await withFolder((folder) =>
    runProgram("permission.ts", {
      args: [library, folder],
      permissions: [`--allow-ffi=${library}`],
    })
  );
  assertEquals(ended.stderr, "");
  assertEquals([ended.code, ended.stdout], [0, "no other permission\n"]);
});

Deno.test("a library of the package that may not be looked for is told as that", async () => {
  await buildLibrary();
  const { code, stdout, stderr } = await withFolder((folder) =>
    runProgram("creates.ts", { args: [folder], permissions: ["--allow-ffi"] })
  );
  assertEquals([code, stderr], [0, ""]);
  const { code: why, message } = JSON.parse(stdout);
  assertEquals(why, "LIBRARY_FAILED");
  assertStringIncludes(message, "cannot be looked for: Requires read access");
});

Deno.test("the library of the package needs to be read as well", async () => {
  const library = await buildLibrary();
  const ended = await withFolder((folder) =>
    runProgram("wasm.ts", {
      args: [folder],
      permissions: [
        `--allow-ffi=${library}`,
        `--allow-read=${dirname(library)}`,
      ],
    })
  );
  assertEquals(ended.stderr, "");
  assertEquals(ended.code, 0);
});

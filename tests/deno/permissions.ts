/**
 * Deno's permissions: what a program with nodes has to be allowed. Not named
 * `.test.ts`, so that Bun leaves it alone; the test command runs it by itself.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { buildLibrary } from "../../scripts/build.ts";
import { withFolder } from "../support/node.ts";
import { runProgram } from "../support/program.ts";
import { serves, startRegistry } from "../support/registry.ts";
import { freshUser, realRelease, stage } from "../support/release.ts";

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

Deno.test("a library that may not be loaded is told, with the right that it needs", async () => {
  const library = await buildLibrary();
  const { stdout } = await withFolder((folder) =>
    runProgram("creates.ts", { args: [folder, library], permissions: ["-R"] })
  );
  const { code, message } = JSON.parse(stdout);
  assertEquals(code, "LIBRARY_FAILED");
  assertStringIncludes(message, `Allow --allow-ffi=${library}`);
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

Deno.test("after the install command a program needs --allow-ffi and --allow-read for the path that it has printed", () =>
  withFolder(async (folder) => {
    const { release, tarball } = await realRelease();
    await using registry = await startRegistry(serves(tarball));
    const program = stage(folder, release);
    const env = freshUser(folder, registry.url);
    const command = join(folder, "src", "install.ts");
    const library = (await runProgram(command, { env })).stdout.trim();
    const settings = JSON.stringify({ library });
    const { stdout, stderr } = await runProgram(program, {
      args: [join(folder, "alice"), settings],
      permissions: [`--allow-ffi=${library}`, `--allow-read=${library}`],
      env,
    });
    assertEquals(stderr, "");
    assertEquals(JSON.parse(stdout).message, "listens");
  }));

Deno.test("a program that looks for the library by itself needs to read the cache and to know where it is", () =>
  withFolder(async (folder) => {
    const { release, tarball } = await realRelease();
    await using registry = await startRegistry(serves(tarball));
    const program = stage(folder, release);
    const env = freshUser(folder, registry.url);
    const cache = join(folder, "home", ".cache", "unaiverse-p2p");
    await runProgram(join(folder, "src", "install.ts"), { env });
    const { stdout } = await runProgram(program, {
      args: [join(folder, "alice")],
      permissions: [
        "--allow-ffi",
        `--allow-read=${cache},${folder}`,
        "--allow-env=XDG_CACHE_HOME,LOCALAPPDATA",
        "--allow-sys=homedir",
      ],
      env,
    });
    assertEquals(JSON.parse(stdout).message, "listens");
  }));

Deno.test("a first use needs the environment, the files, the cache and the registry, and no more", () =>
  withFolder(async (folder) => {
    const { release, tarball } = await realRelease();
    await using registry = await startRegistry(serves(tarball));
    const cache = join(folder, "home", ".cache", "unaiverse-p2p");
    const program = stage(folder, release);
    const { stdout } = await runProgram(program, {
      args: [join(folder, "alice")],
      permissions: [
        ...["--allow-ffi", "--allow-env", "--allow-sys=homedir"],
        ...["--allow-read", `--allow-write=${cache}`],
        `--allow-net=${new URL(registry.url).host}`,
      ],
      env: freshUser(folder, registry.url),
    });
    assertEquals(JSON.parse(stdout).message, "listens");
  }));

Deno.test("a first use without permissions names the command that spares them", () =>
  withFolder(async (folder) => {
    const { release } = await realRelease();
    const program = stage(folder, release);
    const { stdout } = await runProgram(program, {
      args: [join(folder, "alice")],
      permissions: ["--allow-ffi", `--allow-read=${folder}`],
    });
    const { code, message } = JSON.parse(stdout);
    assertEquals(code, "LIBRARY_MISSING");
    assertStringIncludes(message, "Requires env access");
    assertStringIncludes(message, "`deno run -A npm:@unaiverse/p2p@");
    assertStringIncludes(message, "--allow-ffi=<path> is all");
  }));

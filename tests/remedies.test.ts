/** Where there is no native library, the error says what can be done about it there, and nothing is started that should not be. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { execFile } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildLibrary } from "../scripts/build.ts";
import { CURRENT, findRuntime } from "../scripts/runtimes.ts";
import { remedyFor } from "../src/native/remedies.ts";
import { withFolder } from "./support/node.ts";
import { runProgram } from "./support/program.ts";
import { refuses, startRegistry } from "./support/registry.ts";
import { freshUser, PLATFORM, releaseOf, stage } from "./support/release.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROGRAM = join(ROOT, "tests", "programs", "creates.ts");
const COMMAND = { bun: "`bun run ", deno: "`deno run -A ", node: "`node " };
const INSTALL = {
  bun: "`bunx --bun ",
  deno: "`deno run -A npm:",
  node: "`npx ",
};
/** A release whose library is never loaded. */
const NOTHING = releaseOf(new Uint8Array(1));
const run = promisify(execFile);

interface Said {
  code: string;
  message: string;
}

/** Runs the program, or a copy or bundle of it, and returns what it said; but for that it may only tell that it fetches. */
async function create(
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<Said> {
  const { stdout, stderr } = await runProgram(program, { args, env });
  assertEquals(stderr.replace(/^@unaiverse\/p2p: fetching .*\n/, ""), "");
  return JSON.parse(stdout);
}

/** A copy of the package as far as it is named, with the program. */
function copyOf(folder: string, ...names: string[]): string {
  for (const name of ["mod.ts", "src", ...names]) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  mkdirSync(join(folder, "tests", "programs"), { recursive: true });
  const program = join(folder, "tests", "programs", "creates.ts");
  copyFileSync(PROGRAM, program);
  return program;
}

test("a path that names no library is to be corrected", () =>
  withFolder(async (folder) => {
    const library = join(folder, "libnothing.so");
    const { code, message } = await create("creates.ts", [folder, library]);
    assertEquals([code, message], [
      "LIBRARY_MISSING",
      `there is no library ${library}, which P2P.setupLibrary named: correct the path`,
    ]);
  }));

test("another library than ours is told by name", () =>
  withFolder(async (folder) => {
    const { code, message } = await create("creates.ts", [folder, "libm.so.6"]);
    assertEquals(code, "LIBRARY_MISMATCH");
    assertStringIncludes(message, "libm.so.6 is not the library");
    assertStringIncludes(message, "P2P.setupLibrary named it");
  }));

test("a library that asks for a newer glibc than there is says which", async (t) => {
  if (process.platform !== "linux") return t.skip("there is glibc on Linux");
  await withFolder(async (folder) => {
    const library = join(folder, "libnewer.so");
    const bytes = readFileSync(await buildLibrary());
    // The name of a version that no system has, in place of one of those that it asks for.
    bytes.write("9", bytes.indexOf("\0GLIBC_2.") + "\0GLIBC_".length);
    writeFileSync(library, bytes);
    const { code, message } = await create("creates.ts", [folder, library]);
    assertEquals(code, "LIBRARY_FAILED");
    assertMatch(
      message,
      /needs GLIBC_9\.\d+, and this system's C library is older: run it on a newer system/,
    );
  });
});

test("a checkout asks no registry, and names the command that builds its library when that cannot start", () =>
  withFolder(async (folder) => {
    await using registry = await startRegistry(refuses(503));
    const program = copyOf(folder, "go/go.mod", "scripts/build.ts");
    const env = freshUser(folder, registry.url);
    const { code, message } = await create(program, [folder], {
      ...env,
      UNAIVERSE_P2P_BUILDING: "1",
    });
    assertEquals(code, "LIBRARY_MISSING");
    const script = join(folder, "scripts", "build.ts");
    assertStringIncludes(message, `${COMMAND[CURRENT]}${script}\` builds it`);
    assertEquals(registry.asked, []);
  }));

test("a package in a folder that cannot be written says so", () =>
  withFolder(async (folder) => {
    const program = copyOf(folder, "go/go.mod", "scripts/build.ts");
    // For root every folder can be written, but not one whose name a file has.
    writeFileSync(join(folder, ".cache"), "");
    const { code, message } = await create(program, [folder]);
    assertEquals(code, "LIBRARY_MISSING");
    assertStringIncludes(message, "the folder cannot be written");
    assertStringIncludes(message, "name it by P2P.setupLibrary");
  }));

test("a package of which no library was released for this platform names those that there are", () =>
  withFolder(async (folder) => {
    const { release: { version }, artefact } = NOTHING;
    const artefacts = { "plan9-mips": artefact };
    const release = { version, abi: 0, artefacts };
    const program = stage(folder, release, "creates.ts");
    const { code, message } = await create(program, [folder]);
    assertEquals(code, "LIBRARY_MISSING");
    assertStringIncludes(
      message,
      `no library was released for ${PLATFORM} (there are: plan9-mips)`,
    );
    assertStringIncludes(message, "name it by P2P.setupLibrary");
  }));

test("an installed package names the command that fetches the library ahead", () =>
  withFolder(async (folder) => {
    await using registry = await startRegistry(refuses(503));
    const program = stage(folder, NOTHING.release, "creates.ts");
    const env = freshUser(folder, registry.url);
    const { message } = await create(program, [folder], env);
    assertStringIncludes(message, `status 503`);
    assertStringIncludes(message, `${INSTALL[CURRENT]}@unaiverse/p2p@`);
  }));

test("a package loaded from a URL names its own command, and each failure has a remedy everywhere", () => {
  assertStringIncludes(
    remedyFor("permission", "url"),
    "`deno run -A jsr:@unaiverse/p2p@",
  );
  assertStringIncludes(remedyFor("musl", "package"), "glibc");
  assertStringIncludes(remedyFor("folder", "package"), "XDG_CACHE_HOME");
  assertStringIncludes(remedyFor("home", "package"), "XDG_CACHE_HOME");
  assertStringIncludes(remedyFor("network", "package"), "HTTPS_PROXY");
  assertStringIncludes(remedyFor("stalled", "package"), "installTimeout");
  for (const place of ["bundle", "executable"] as const) {
    assertStringIncludes(
      remedyFor("network", place),
      'import "@unaiverse/p2p/compile"',
    );
  }
});

test("a bundle does not build what lies above it, and takes a library that is named", () =>
  withFolder(async (folder) => {
    await using registry = await startRegistry(refuses(404));
    const program = stage(
      join(folder, "staged"),
      NOTHING.release,
      "creates.ts",
    );
    const bundle = join(folder, "dist", "js", "program.js");
    // The project that it is delivered in has sources and a script of the same names.
    for (const name of ["go", "scripts"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "scripts", "build.ts"), "throw 'started'");
    const bun = await findRuntime("bun");
    await run(bun.path, [
      ...["build", "--target", "bun", "--outfile", bundle, program],
    ]);
    const env = freshUser(folder, registry.url);
    const { code, message } = await create(bundle, [folder], env);
    assertEquals(code, "LIBRARY_MISSING");
    assertStringIncludes(message, 'import "@unaiverse/p2p/compile"');
    assert(!message.includes("build.ts"), message);
    const library = await buildLibrary();
    const made = await create(bundle, [join(folder, "alice"), library]);
    assertEquals(made.message, "made");
  }));

test("an executable never starts itself to build, and takes a library that is named", () =>
  withFolder(async (folder) => {
    await using registry = await startRegistry(refuses(404));
    const program = stage(
      join(folder, "staged"),
      NOTHING.release,
      "creates.ts",
    );
    const executable = join(folder, "program");
    const bun = await findRuntime("bun");
    await run(bun.path, [
      ...["build", "--compile", "--outfile", executable, program],
    ]);
    const env = freshUser(folder, registry.url);
    const { stdout } = await run(executable, [folder], { env });
    const { code, message } = JSON.parse(stdout) as Said;
    assertEquals(code, "LIBRARY_MISSING");
    assertStringIncludes(message, 'import "@unaiverse/p2p/compile"');
    const args = [join(folder, "alice"), await buildLibrary()];
    const made = await run(executable, args, { env: process.env });
    assertEquals(JSON.parse(made.stdout).message, "made");
  }));

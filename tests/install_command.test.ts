/** The command that fetches the library ahead of time. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { libraryPath } from "../src/native/cache.ts";
import { withFolder } from "./support/node.ts";
import { type Ended, runProgram } from "./support/program.ts";
import {
  refuses,
  serves,
  startRegistry,
  type TestRegistry,
} from "./support/registry.ts";
import { freshUser, PLATFORM, releaseOf, stage } from "./support/release.ts";

const ours = releaseOf(randomBytes(10_000));

/** Runs the command of a release, for a user with that registry. */
function install(
  folder: string,
  registry: TestRegistry,
  ...args: string[]
): Promise<Ended> {
  stage(folder, ours.release);
  return runProgram(join(folder, "src", "install.ts"), {
    args,
    env: freshUser(folder, registry.url),
  });
}

test("the command prints the path of the library and nothing else on standard output, and asks once", () =>
  withFolder(async (folder) => {
    await using registry = await startRegistry(serves(ours.tarball));
    const cache = join(folder, "home", ".cache", "unaiverse-p2p");
    const path = libraryPath(cache, ours.release, ours.artefact);
    const first = await install(folder, registry);
    assertEquals([first.code, first.stdout], [0, `${path}\n`]);
    const second = await install(folder, registry);
    assertEquals([second.stdout, second.stderr], [`${path}\n`, ""]);
    assertEquals(registry.asked.length, 1);
  }));

test("--check fetches nothing, and fails where the library is not what was released", () =>
  withFolder(async (folder) => {
    await using registry = await startRegistry(serves(ours.tarball));
    const missing = await install(folder, registry, "--check");
    assertEquals([missing.code, missing.stdout], [1, ""]);
    assertStringIncludes(missing.stderr, ": there is no such file");
    const { stdout } = await install(folder, registry);
    const there = await install(folder, registry, "--check");
    assertEquals([there.code, there.stdout], [0, stdout]);
    writeFileSync(stdout.trim(), randomBytes(10_000));
    const damaged = await install(folder, registry, "--check");
    assertEquals([damaged.code, damaged.stdout], [1, ""]);
    assertMatch(damaged.stderr, /: its SHA-256 is \w+ instead of/);
    assertEquals(registry.asked.length, 1);
  }));

test("--cache keeps it elsewhere, --registry asks another, --platform is of those that there are", () =>
  withFolder(async (folder) => {
    await using silent = await startRegistry(refuses(500));
    await using registry = await startRegistry(serves(ours.tarball));
    const cache = join(folder, "vendor");
    const args = ["--cache", cache, "--registry", registry.url];
    const { stdout } = await install(folder, silent, ...args);
    const path = libraryPath(cache, ours.release, ours.artefact);
    assertEquals([stdout, silent.asked.length], [`${path}\n`, 0]);
    const other = await install(folder, silent, "--platform", "plan9-mips");
    assertEquals(other.code, 1);
    assertStringIncludes(
      other.stderr,
      `no library was released for plan9-mips (there are: ${PLATFORM})`,
    );
  }));

test("what the command cannot do it says in a line, with what to do about it", () =>
  withFolder(async (folder) => {
    await using registry = await startRegistry(() => {});
    const stalled = await install(folder, registry, "--timeout", "0.5");
    assertEquals([stalled.code, stalled.stdout], [1, ""]);
    assertMatch(stalled.stderr, /sent nothing for 0\.5 s: try again.*\n$/);
    const file = join(folder, "file");
    writeFileSync(file, "");
    const folderless = await install(folder, registry, "--cache", file);
    assertMatch(folderless.stderr, /by --cache\n$/);
    const misused = await install(folder, registry, "--timeout", "soon");
    assertMatch(misused.stderr, /--timeout has to be above 0 \(--help tells/);
    const unknown = await install(folder, registry, "--chek");
    assertMatch(unknown.stderr, /'--chek' \(--help tells/);
    const { code, stdout } = await install(folder, registry, "--help");
    assertEquals(code, 0);
    assertStringIncludes(stdout, `(there are: ${PLATFORM})`);
  }));

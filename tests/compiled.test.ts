/** Programs that `bun build --compile` makes with `@unaiverse/p2p/compile`: they carry the library, and leave nothing that they do not use again. */
import { assertEquals, assertMatch } from "@std/assert";
import { dirname, join } from "@std/path";
import { execFile } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { promisify } from "node:util";
import { findRuntime } from "../scripts/runtimes.ts";
import { withFolder } from "./support/node.ts";
import { runProgram } from "./support/program.ts";
import { refuses, serves, startRegistry } from "./support/registry.ts";
import {
  freshUser,
  leftIn,
  PACKAGE,
  realRelease,
  stage,
  type TestRelease,
} from "./support/release.ts";

const run = promisify(execFile);

interface Said {
  code: string;
  message: string;
  library: string;
  milliseconds: number;
}

/** The program of a release, which is to be compiled; returns its path. */
function stageMain(project: string, { release }: TestRelease): string {
  const main = join(dirname(stage(project, release)), "compiled.ts");
  const text = 'import "../../src/compile.ts";\nimport "./installs.ts";\n';
  writeFileSync(main, text);
  return main;
}

/** Compiles it in a project that has the platform's package; returns the one file that is made. */
async function compile(folder: string, ours: TestRelease): Promise<string> {
  const project = join(folder, "project");
  const main = stageMain(project, ours);
  const beside = join(project, "node_modules", PACKAGE);
  mkdirSync(beside, { recursive: true });
  writeFileSync(join(beside, `${ours.artefact.file}.zst`), ours.packed);
  const executable = join(folder, "program");
  const bun = await findRuntime("bun");
  const args = ["build", "--compile", "--outfile", executable, main];
  await run(bun.path, args, { cwd: project });
  return executable;
}

/** What a compiled program says, and how long that took. */
async function start(
  command: string,
  args: string[],
  env: Record<string, string>,
): Promise<Said> {
  const started = performance.now();
  const { stdout, stderr } = await run(command, args, { env });
  assertEquals(stderr, "");
  const milliseconds = performance.now() - started;
  return { ...JSON.parse(stdout), milliseconds };
}

test("a compiled program carries the library: it asks nobody, and its next start finds what the first has unpacked", () =>
  withFolder(async (folder) => {
    const ours = await realRelease();
    const program = await compile(folder, ours);
    await using registry = await startRegistry(refuses(500));
    const env = {
      ...freshUser(folder, registry.url),
      TMPDIR: join(folder, "tmp"),
    };
    mkdirSync(env.TMPDIR);
    const first = await start(program, [join(folder, "alice")], env);
    assertEquals(first.message, "listens");
    const second = await start(program, [join(folder, "alice")], env);
    assertEquals([second.message, second.library], ["listens", first.library]);
    assertEquals(leftIn(folder), [ours.artefact.file]);
    assertEquals(readdirSync(env.TMPDIR), []);
    assertEquals(registry.asked, []);
  }));

test("where nothing is compiled the import does nothing", () =>
  withFolder(async (folder) => {
    const ours = await realRelease();
    await using registry = await startRegistry(serves(ours.tarball));
    const { stdout } = await runProgram(stageMain(folder, ours), {
      args: [join(folder, "alice")],
      env: freshUser(folder, registry.url),
    });
    assertEquals(JSON.parse(stdout).message, "listens");
    assertEquals(registry.asked.length, 1);
  }));

test("where there is no home that can be written it uses one folder in the temporary one, again and again, but not another's", () =>
  withFolder(async (folder) => {
    const ours = await realRelease();
    const program = await compile(folder, ours);
    await using registry = await startRegistry(refuses(500));
    const file = join(folder, "file");
    writeFileSync(file, "");
    const env = {
      ...freshUser(folder, registry.url),
      XDG_CACHE_HOME: file,
      TMPDIR: join(folder, "tmp"),
    };
    mkdirSync(env.TMPDIR);
    for (let round = 0; round < 2; round++) {
      const said = await start(program, [join(folder, "alice")], env);
      assertEquals(said.message, "listens");
      assertMatch(said.library, /\/tmp\/unaiverse-p2p-\d+\/[^/]+\/[^/]+$/);
    }
    const [own, ...more] = readdirSync(env.TMPDIR);
    assertEquals(more, []);
    chmodSync(join(env.TMPDIR, own), 0o777);
    const refused = await start(program, [join(folder, "alice")], env);
    assertEquals(refused.code, "LIBRARY_MISSING");
    assertMatch(refused.message, /belongs to somebody else/);
  }));

test("a root that holds glibc and nothing else is enough for a compiled program", async (t) => {
  const missing = process.platform !== "linux"
    ? "only Linux has such roots"
    : process.getuid?.() !== 0
    ? "only root can make one"
    : undefined;
  if (missing !== undefined) {
    console.log(`skipped: ${missing}`);
    return t.skip(missing);
  }
  await withFolder(async (folder) => {
    const program = await compile(folder, await realRelease());
    const root = join(folder, "root");
    const { stdout } = await run("ldd", [program]);
    for (const [path] of stdout.matchAll(/\/\S+/g)) put(root, path, path);
    put(root, program, "/program");
    mkdirSync(join(root, "proc"));
    // Bun itself ends where there is no /proc. The mount goes with the process, because it is in a namespace of its own.
    const script =
      'mount -t proc proc "$0/proc" && exec chroot "$0" /program /alice';
    const args = ["--mount", "sh", "-c", script, root];
    const env = { PATH: process.env.PATH ?? "", HOME: "/" };
    for (const round of ["first", "second"]) {
      const said = await start("unshare", args, env);
      assertEquals(said.message, "listens");
      console.log(`${round} start: ${said.milliseconds.toFixed(0)} ms in all`);
    }
    const here = readdirSync(root, { recursive: true }) as string[];
    const cached = here.filter((name) => name.includes("unaiverse-p2p/"));
    assertEquals(cached.filter((name) => !name.endsWith(".so")).length, 1);
    assertEquals(cached.length, 2);
    // Nobody there has a home.
    const homeless = { PATH: env.PATH };
    const refused = await start("unshare", args, homeless);
    assertMatch(refused.message, /no native library: .*XDG_CACHE_HOME/);
    mkdirSync(join(root, "tmp"));
    const { library } = await start("unshare", args, homeless);
    assertMatch(library, /^\/tmp\/unaiverse-p2p-0\//);
  });
});

function put(root: string, from: string, to: string): void {
  mkdirSync(join(root, dirname(to)), { recursive: true });
  copyFileSync(from, join(root, to));
}

/**
 * The package as strangers get it: published to registries on this machine, installed from there into empty folders by each way
 * that there is, and used. Not named `.test.ts`: the test command runs it by itself, once.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { findRuntime } from "../../scripts/runtimes.ts";
import { converse, startHello } from "../support/hello.ts";
import { realRelease } from "../support/release.ts";
import { withFolder } from "../support/node.ts";
import { PACKAGE as PLATFORM_PACKAGE, PLATFORM } from "../support/release.ts";
import {
  allWays,
  command,
  NAME,
  type Newcomer,
  newcomer,
  type Registries,
  startRegistries,
  TODAY,
} from "./ways.ts";

const MOST_BYTES = 400_000;
/** Where nobody listens. */
const NOWHERE = "http://127.0.0.1:1/";

const ways = await allWays();
const folder = mkdtempSync(join(tmpdir(), "p2p-registries-"));
let registries: Registries;
before(async () => {
  registries = await startRegistries(folder, await realRelease());
});
after(async () => {
  await registries?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

for (const { name, install, run } of ways) {
  test(`after "${name}" the first program listens, greets and is answered, without Go and the second time without a registry`, async () => {
    await withFolder(async (folder) => {
      const user = newcomer(folder, registries);
      await command(install, user);
      const start = (...args: string[]) =>
        startHello([...run, "hello.ts", ...args], user);
      const said = await converse(
        () => start("alice"),
        (address) => start("bob", address),
      );
      assertEquals(said, { greeted: true, answered: true });
      assertEquals(librariesOf(user.env.HOME).length, 1);
      // The library is asked for there; what the runtime has installed goes by the name in capitals.
      user.env.npm_config_registry = NOWHERE;
      const again = start("alice");
      await again.line(/^alice listens on /);
      await again.end();
    });
  });
}

test("what npm has put into node_modules is what every runtime uses there", async () => {
  await withFolder(async (folder) => {
    const user = newcomer(folder, registries);
    const npm = ways.find(({ name }) => name.startsWith("npm "))!;
    await command(npm.install, user);
    // From here on the library alone is asked for.
    user.env.NPM_CONFIG_REGISTRY = NOWHERE;
    user.env.npm_config_registry = registries.npm.url;
    for (const { run } of ways) {
      const said = await converse(
        () => startHello([...run, "hello.ts", "alice"], user),
        (address) => startHello([...npm.run, "hello.ts", "bob", address], user),
      );
      assertEquals(said, { greeted: true, answered: true });
    }
  });
});

for (const { name, fetch } of ways) {
  test(`instead of "${name}" the library can be brought ahead of time, by one command without a project`, async () => {
    await withFolder(async (folder) => {
      const user = newcomer(folder, registries);
      const path = (await command(fetch, user)).trimEnd();
      assertEquals([path], librariesOf(user.env.HOME));
    });
  });
}

for (const { name, install, platform, run } of ways) {
  test(`"${name} ${platform}" brings the library along`, async () => {
    await withFolder(async (folder) => {
      const user = newcomer(folder, registries);
      await command([...install, platform], user);
      user.env.npm_config_registry = NOWHERE;
      const alice = startHello([...run, "hello.ts"], user);
      await alice.line(/^alice listens on /);
      await alice.end();
    });
  });
}

for (const { name, install, check } of ways) {
  if (check === undefined) continue;
  test(`after "${name}" the first program has types`, async () => {
    await withFolder(async (folder) => {
      const user = newcomer(folder, registries);
      await command(install, user);
      await command([...check, "hello.ts"], user);
    });
  });
}

test("a program that Bun compiles carries the library of the platform's package, and asks no registry", async () => {
  await withFolder(async (folder) => {
    const user = newcomer(folder, registries);
    const { path: bun } = await findRuntime("bun");
    await command([bun, "add", NAME, PLATFORM_PACKAGE], user);
    writeCompiled(user);
    await command([bun, "build", "--compile", "main.ts"], user);
    // It would be found above the working folder as well.
    rmSync(join(user.cwd, "node_modules"), { recursive: true });
    user.env.npm_config_registry = NOWHERE;
    const program = startHello([join(user.cwd, "main"), "alice"], user);
    await program.line(/^alice listens on /);
    await program.end();
    assertEquals(librariesOf(user.env.HOME).length, 1);
  });
});

test("Deno's compiler takes the platform's package into a program", async () => {
  await withFolder(async (folder) => {
    const user = newcomer(folder, registries);
    const { path: deno } = await findRuntime("deno");
    const packages = [NAME, PLATFORM_PACKAGE].map((name) => `npm:${name}`);
    await command([deno, "add", TODAY, ...packages], user);
    writeCompiled(user);
    // What it puts around a program comes from a download, so that this stands in for it and is only looked at.
    user.env.DENORT_BIN = deno;
    const args = ["compile", "-A", "--include", packages[1], "main.ts"];
    const { stdout, stderr } = await promisify(execFile)(deno, args, user);
    assertMatch(stdout + stderr, RegExp(`p2p-${PLATFORM}/\\* \\([\\d.]+MB`));
  });
});

/** The first program, as it would be compiled. */
function writeCompiled({ cwd }: Newcomer): void {
  const text = 'import "@unaiverse/p2p/compile";\nimport "./hello.ts";\n';
  writeFileSync(join(cwd, "main.ts"), text);
}

test("npm and JSR each have less than 400 KB to give", () => {
  const { bytes, jsr } = registries;
  console.log(`npm ${bytes} bytes, JSR ${jsr.bytes} bytes, unpacked`);
  assert(bytes < MOST_BYTES && jsr.bytes < MOST_BYTES);
});

/** The libraries in the cache of a user. */
function librariesOf(home: string): string[] {
  const cache = join(home, ".cache", "unaiverse-p2p");
  if (!existsSync(cache)) return [];
  return (readdirSync(cache, { recursive: true }) as string[])
    .filter((name) => name.includes("libunaiverse_p2p"))
    .map((name) => join(cache, name));
}

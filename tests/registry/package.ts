/**
 * The package as strangers get it: published to registries on this machine, installed from there into empty folders by each way
 * that there is, and used. Not named `.test.ts`: the test command runs it by itself, once.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, test } from "node:test";
import { converse, startHello } from "../support/hello.ts";
import { withFolder } from "../support/node.ts";
import {
  allWays,
  command,
  newcomer,
  type Registries,
  startRegistries,
} from "./ways.ts";

const MOST_BYTES = 400_000;
/** Where nobody listens. */
const NOWHERE = "http://127.0.0.1:1/";

const ways = await allWays();
const folder = mkdtempSync(join(tmpdir(), "p2p-registries-"));
let registries: Registries;
before(async () => void (registries = await startRegistries(folder)));
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

for (const { name, fetch } of ways) {
  test(`instead of "${name}" the library can be brought ahead of time, by one command without a project`, async () => {
    await withFolder(async (folder) => {
      const user = newcomer(folder, registries);
      const path = (await command(fetch, user)).trimEnd();
      assertEquals([path], librariesOf(user.env.HOME));
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

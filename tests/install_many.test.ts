/** Many programs that start for the first time at once, and one of them that is ended in the middle of fetching. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { ChildProcess } from "node:child_process";
import { test } from "node:test";
import { faultOf, libraryPath } from "../src/native/cache.ts";
import { withFolder } from "./support/node.ts";
import { runProgram } from "./support/program.ts";
import { type Answer, serves, startRegistry } from "./support/registry.ts";
import {
  freshUser,
  leftIn,
  realRelease,
  stage,
  type TestRelease,
} from "./support/release.ts";

const COUNT = 10;

/** Starts programs of one user at once, each with a registry of its own name, and tells what they said. */
function startMany(
  folder: string,
  { release }: TestRelease,
  url: string,
): { children: ChildProcess[]; said: Promise<string[]> } {
  const program = stage(folder, release);
  const children: ChildProcess[] = [];
  const ended = Array.from(
    { length: COUNT },
    (_, number) =>
      runProgram(program, {
        args: [join(folder, `node-${number}`)],
        env: freshUser(folder, `${url}${number}/`),
        started: (child) => children.push(child),
        deadline: 120_000,
      }),
  );
  const said = Promise.all(ended).then((all) =>
    all.map(({ signal, stdout, stderr }) =>
      signal ?? (stdout ? JSON.parse(stdout).message : stderr)
    )
  );
  return { children, said };
}

/** Nothing but the library is in the cache, and it is the one that was released. */
function assertCacheIsRight(
  folder: string,
  { release, artefact }: TestRelease,
) {
  assertEquals(leftIn(folder), [artefact.file]);
  const cache = join(folder, "home", ".cache", "unaiverse-p2p");
  const path = libraryPath(cache, release, artefact);
  assertEquals(faultOf(path, artefact), undefined);
}

test("ten programs that start for the first time at once fetch the library once", () =>
  withFolder(async (folder) => {
    const ours = await realRelease();
    await using registry = await startRegistry(serves(ours.tarball));
    const { said } = startMany(folder, ours, registry.url);
    assertEquals(await said, Array(COUNT).fill("listens"));
    assertEquals(registry.asked.length, 1);
    assertCacheIsRight(folder, ours);
  }));

test("when the one of ten that fetches is killed in the middle, another fetches once more and nine listen", () =>
  withFolder(async (folder) => {
    const ours = await realRelease();
    const { tarball } = ours;
    const inTheMiddle = Promise.withResolvers<number>();
    const first: Answer = (request, response) => {
      response.writeHead(200, { "content-length": tarball.length });
      const half = tarball.subarray(0, tarball.length >> 1);
      const number = Number(request.url?.split("/")[1]);
      response.write(half, () => inTheMiddle.resolve(number));
    };
    await using registry = await startRegistry((request, response) => {
      const answer = registry.asked.length === 1 ? first : serves(tarball);
      answer(request, response);
    });
    const { children, said } = startMany(folder, ours, registry.url);
    children[await inTheMiddle.promise].kill("SIGKILL");
    const outcomes = (await said).sort();
    assertEquals(outcomes, ["SIGKILL", ...Array(COUNT - 1).fill("listens")]);
    assertEquals(registry.asked.length, 2);
    assert(registry.asked[0] !== registry.asked[1]);
    assertCacheIsRight(folder, ours);
  }));

/** What a registry may do to who fetches the library from it: each fault is told for what it is, in time, and nothing is loaded. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { withFolder } from "./support/node.ts";
import { runProgram } from "./support/program.ts";
import {
  type Answer,
  refuses,
  serves,
  startRegistry,
} from "./support/registry.ts";
import {
  freshUser,
  leftIn,
  PACKAGE,
  realRelease,
  RELEASED,
  releaseOf,
  stage,
  tarballOf,
} from "./support/release.ts";

const ours = releaseOf(randomBytes(200_000));
const other = releaseOf(randomBytes(200_000));
/** How long a registry may be silent in these tests, where it is and where a loaded machine alone may make it so. */
const SHORT = 1000;
const LONG = 30_000;

interface Said {
  code: string;
  message: string;
  library?: string;
}

/** What a program of that release says that finds nothing but this registry. */
async function create(
  folder: string,
  answer: Answer,
  release = ours.release,
  installTimeout = LONG,
): Promise<Said & { asked: string[]; stderr: string; seconds: number }> {
  await using registry = await startRegistry(answer);
  const program = stage(folder, release);
  const settings = JSON.stringify({ installTimeout });
  const started = performance.now();
  const { stdout, stderr } = await runProgram(program, {
    args: [join(folder, "alice"), settings],
    env: freshUser(folder, registry.url),
  });
  const seconds = (performance.now() - started) / 1000;
  const { asked } = registry;
  return { ...JSON.parse(stdout), asked, stderr, seconds };
}

const { tarball } = ours;
const damaged = tarball.slice();
damaged[damaged.length >> 1] ^= 1;
const half = tarball.subarray(0, tarball.length >> 1);

const faults: [string, Answer, RegExp, number?][] = [
  [
    "one that stays silent",
    () => {},
    /sent nothing for 1 s\. Try again/,
    SHORT,
  ],
  [
    "one that falls silent in the middle",
    (_, response) => {
      response.writeHead(200, { "content-length": tarball.length });
      response.write(half);
    },
    /sent nothing for 1 s\. Try again/,
    SHORT,
  ],
  [
    "one that sends a byte now and then",
    (_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write("x"), 50);
      response.on("close", () => clearInterval(drip));
    },
    /sent nothing for 1 s\. Try again/,
    SHORT,
  ],
  ["one that announces too much", (_, response) => {
    response.writeHead(200, { "content-length": 1e12 });
    response.write(tarball);
  }, /announces 1000000000000 bytes, more than the \d+ that it can have/],
  ["one that sends without an end", (_, response) => {
    const flood = () => {
      while (!response.destroyed && response.write(new Uint8Array(65536)));
    };
    response.on("drain", flood);
    flood();
  }, /has sent \d+ bytes, more than the \d+ that it can have/],
  ["one that breaks off", (_, response) => {
    response.writeHead(200, { "content-length": tarball.length });
    response.write(half, () => response.destroy());
  }, /could not be read|broke off after/],
  [
    "one that has no such package",
    refuses(404),
    /status 404: there is no such file\. Correct its address/,
  ],
  [
    "one that wants a password",
    refuses(401),
    /status 401: it wants to be asked by somebody whom it knows/,
  ],
  ["one in trouble", refuses(503), /status 503: it could not serve it/],
  [
    "a page of HTML instead",
    serves(new TextEncoder().encode("<!doctype html><p>Log in")),
    /no tarball, it begins with "<!doctype html>/,
  ],
  ["a damaged tarball", serves(damaged), /damaged|SHA-256|bytes instead of/],
  ["a truncated tarball", serves(half), /it is truncated/],
  ["another library", serves(other.tarball), /SHA-256 is \w+ instead of \w+/],
  [
    "a shorter library",
    serves(tarballOf(ours.packed.subarray(1))),
    /it has \d+ bytes instead of \d+/,
  ],
  [
    "a tarball that unpacks without an end",
    serves(gzipSync(new Uint8Array(64 << 20))),
    /it unpacks to more than the \d+ bytes that it can have/,
  ],
  [
    "a tarball of something else",
    serves(gzipSync(new Uint8Array(1024))),
    /there is no libunaiverse_p2p\.\w+\.zst in it/,
  ],
];

for (const [what, answer, reason, timeout] of faults) {
  test(`a registry that is or gives ${what} is told as that, and nothing is loaded`, () =>
    withFolder(async (folder) => {
      const said = await create(folder, answer, ours.release, timeout);
      assertEquals(said.code, "LIBRARY_MISSING");
      assertMatch(said.message, reason);
      assertEquals(said.library, undefined);
      assert(said.seconds * 1000 < LONG, `${said.seconds} s`);
      assertEquals(leftIn(folder), []);
    }));
}

test("the library is fetched once, told in a line, checked and loaded; the next start asks nobody", () =>
  withFolder(async (folder) => {
    const { release, tarball, artefact } = await realRelease();
    const first = await create(folder, serves(tarball), release);
    assertEquals([first.code, first.message], ["", "listens"]);
    assertEquals(first.asked, [
      `GET /${PACKAGE}/-/${PACKAGE.split("/")[1]}-${RELEASED}.tgz`,
    ]);
    assertMatch(
      first.stderr,
      /^@unaiverse\/p2p: fetching the native library \S+ \S+ \([\d.]+ MB\)\n$/,
    );
    assertEquals(leftIn(folder), [artefact.file]);
    const second = await create(folder, refuses(500), release);
    assertEquals([second.message, second.stderr], ["listens", ""]);
    assertEquals(second.asked, []);
    assertEquals(second.library, first.library);
  }));

/** Where the library of a release is taken from, and what is done about one that is not what was released. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname, join } from "@std/path";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { libraryPath } from "../src/native/cache.ts";
import { withFolder } from "./support/node.ts";
import { runProgram } from "./support/program.ts";
import {
  type Answer,
  refuses,
  serves,
  startRegistry,
  type TestRegistry,
} from "./support/registry.ts";
import {
  freshUser,
  leftIn,
  PACKAGE,
  realRelease,
  RELEASED,
  releaseOf,
  stage,
  type TestRelease,
} from "./support/release.ts";

const ours = releaseOf(randomBytes(100_000));
const other = releaseOf(randomBytes(100_000));
const FILE = `${ours.artefact.file}.zst`;
const TARBALL = `/${PACKAGE}/-/${PACKAGE.split("/")[1]}-${RELEASED}.tgz`;

interface Said {
  code: string;
  message: string;
  library?: string;
  stderr: string;
}

/** Runs the program of a release for a user whose registry is that one. */
async function start(
  folder: string,
  registry: TestRegistry,
  { release }: TestRelease,
  { env = {}, cwd, at = folder }: {
    env?: Record<string, string>;
    cwd?: string;
    at?: string;
  } = {},
): Promise<Said> {
  const program = stage(at, release);
  const { stdout, stderr } = await runProgram(program, {
    args: [join(folder, "alice")],
    env: { ...freshUser(folder, registry.url), ...env },
    cwd,
  });
  return { ...JSON.parse(stdout), stderr };
}

/** Where the user's cache has the library. */
function pathOf(folder: string, { release, artefact }: TestRelease): string {
  const cache = join(folder, "home", ".cache", "unaiverse-p2p");
  return libraryPath(cache, release, artefact);
}

function put(path: string, data: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
}

for (
  const [what, fault, change] of [
    ["damaged", "SHA-256", (data) => data.with(100, data[100] ^ 255)],
    ["truncated", "bytes", (data) => data.subarray(0, data.length >> 1)],
    ["swapped", "SHA-256", (data) => new Uint8Array(randomBytes(data.length))],
  ] as [string, string, (data: Uint8Array) => Uint8Array][]
) {
  test(`a ${what} library in the cache is told and not loaded, and replaced where there is a registry`, () =>
    withFolder(async (folder) => {
      const real = await realRelease();
      const path = pathOf(folder, real);
      put(path, change(real.library));
      await using none = await startRegistry(refuses(503));
      const refused = await start(folder, none, real);
      assertEquals(refused.code, "LIBRARY_MISSING");
      assertEquals(refused.library, undefined);
      assertMatch(
        refused.stderr,
        RegExp(
          `^\\S+ \\S+ is not what was released: it.* ${fault} .*instead of.*\\n\\S+ fetching .*\\n$`,
        ),
      );
      await using registry = await startRegistry(serves(real.tarball));
      const made = await start(folder, registry, real);
      assertEquals([made.message, made.library], ["listens", path]);
      assertEquals(leftIn(folder), [real.artefact.file]);
    }));
}

test("the platform's package in the project is taken instead of asking a registry, also where pnpm has put this one", () =>
  withFolder(async (folder) => {
    const real = await realRelease();
    await using registry = await startRegistry(refuses(500));
    put(join(folder, "node_modules", PACKAGE, FILE), real.packed);
    const at = join(
      ...[folder, "node_modules", ".pnpm", "@unaiverse+p2p@0.1.0"],
      ...["node_modules", "@unaiverse", "p2p"],
    );
    const said = await start(folder, registry, real, { at });
    assertEquals([said.message, said.stderr], ["listens", ""]);
    assertEquals(registry.asked, []);
  }));

test("the platform's package is found above the working folder as well, and one of another release is left aside and told", () =>
  withFolder(async (folder) => {
    const at = join(folder, "elsewhere");
    const cwd = join(folder, "project", "deep");
    mkdirSync(cwd, { recursive: true });
    const beside = join(folder, "project", "node_modules", PACKAGE, FILE);
    put(beside, other.packed);
    await using registry = await startRegistry(refuses(503));
    const said = await start(folder, registry, ours, { at, cwd });
    assertMatch(said.message, /status 503/);
    assert(said.stderr.includes(`${beside} is of another release`));
    put(beside, ours.packed);
    rmSync(join(folder, "home"), { recursive: true });
    const { message } = await start(folder, registry, ours, { at, cwd });
    // These are random bytes, and as such they are given to the system's loader.
    assert(message.includes(pathOf(folder, ours)), message);
    assertEquals(registry.asked.length, 1);
  }));

test("where a tarball has another address, the registry's description of the package is asked for it", () =>
  withFolder(async (folder) => {
    const elsewhere: Answer = (request, response) => {
      if (request.url === TARBALL) return refuses(404)(request, response);
      if (request.url?.endsWith(".tgz")) {
        return serves(ours.tarball)(request, response);
      }
      const tarball = `${registry.url}download/ours.tgz`;
      const versions = { [RELEASED]: { dist: { tarball } } };
      response.end(JSON.stringify({ name: PACKAGE, versions }));
    };
    await using registry = await startRegistry(elsewhere);
    await start(folder, registry, ours);
    assertEquals(registry.asked, [
      `GET ${TARBALL}`,
      `GET /${PACKAGE.replace("/", "%2f")}`,
      "GET /download/ours.tgz",
    ]);
    assertEquals(
      readFileSync(pathOf(folder, ours)).length,
      ours.library.length,
    );
  }));

test("a registry without this version says so", () =>
  withFolder(async (folder) => {
    await using registry = await startRegistry((request, response) => {
      if (request.url === TARBALL) return refuses(404)(request, response);
      response.end(JSON.stringify({ versions: { "0.0.1": {} } }));
    });
    const { message } = await start(folder, registry, ours);
    assert(
      message.includes(`has ${PACKAGE}, but no version ${RELEASED}`),
      message,
    );
  }));

for (
  const [where, answer] of [
    ["redirects us", (url, _request, response) => {
      response.writeHead(302, { location: url }).end();
    }],
    ["says the tarball is", (url, request, response) => {
      if (request.url === TARBALL) return refuses(404)(request, response);
      const versions = { [RELEASED]: { dist: { tarball: url } } };
      response.end(JSON.stringify({ versions }));
    }],
  ] as [string, (url: string, ...rest: Parameters<Answer>) => void][]
) {
  test(`a token is shown to the registry that it is for, and not to where that ${where}`, () =>
    withFolder(async (folder) => {
      await using storage = await startRegistry(serves(ours.tarball));
      const url = `${storage.url}ours.tgz`;
      await using registry = await startRegistry((request, response) =>
        answer(url, request, response)
      );
      const { host } = new URL(registry.url);
      const npmrc = `//${host}/:_authToken=secret\n`;
      put(join(folder, "home", ".npmrc"), new TextEncoder().encode(npmrc));
      await start(folder, registry, ours);
      for (const { authorization } of registry.headers) {
        assertEquals(authorization, "Bearer secret");
      }
      assertEquals(storage.headers.map((all) => all.authorization), [
        undefined,
      ]);
      assertEquals(leftIn(folder), [ours.artefact.file]);
    }));
}

test("the proxy that the environment names is asked, and not for hosts that it excepts", () =>
  withFolder(async (folder) => {
    await using proxy = await startRegistry(serves(ours.tarball));
    await using direct = await startRegistry(serves(ours.tarball));
    const env = { HTTP_PROXY: proxy.url, http_proxy: proxy.url };
    const none = { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };
    const named = { npm_config_registry: "http://registry.invalid/" };
    await start(folder, direct, ours, { env: { ...env, ...named } });
    assertEquals(proxy.asked, [`GET http://registry.invalid${TARBALL}`]);
    assertEquals(leftIn(folder), [ours.artefact.file]);
    rmSync(join(folder, "home"), { recursive: true });
    await start(folder, direct, ours, { env: { ...env, ...none } });
    assertEquals([proxy.asked.length, direct.asked.length], [1, 1]);
  }));

test("a registry behind TLS is asked through a tunnel of the proxy", () =>
  withFolder(async (folder) => {
    const asked: string[] = [];
    // Where the tests run in Deno or in Bun, `node:http` does not tell of tunnels.
    const proxy = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (data) => {
        asked.push(data.toString().split("\r\n")[0]);
        socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const { port } = proxy.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    await using none = await startRegistry(refuses(500));
    const env = {
      HTTPS_PROXY: url,
      https_proxy: url,
      npm_config_registry: "https://registry.invalid/",
      // Deno would ask for newer versions of itself.
      DENO_NO_UPDATE_CHECK: "1",
    };
    const { message } = await start(folder, none, ours, { env });
    proxy.close();
    assertEquals(asked, ["CONNECT registry.invalid:443 HTTP/1.1"]);
    assertMatch(message, /could not be read: .*HTTPS_PROXY/);
  }));

test("a cache that cannot be written is told, with what to do about it", () =>
  withFolder(async (folder) => {
    await using registry = await startRegistry(serves(ours.tarball));
    // For root every folder can be written, but not one whose name a file has.
    const file = join(folder, "file");
    writeFileSync(file, "");
    const env = { XDG_CACHE_HOME: file };
    const { code, message } = await start(folder, registry, ours, { env });
    assertEquals(code, "LIBRARY_MISSING");
    assertMatch(message, /could not be written .*XDG_CACHE_HOME/);
    assertEquals(registry.asked, []);
  }));

test("what an interrupted program has left in the cache goes with the next one that fetches", () =>
  withFolder(async (folder) => {
    await using registry = await startRegistry(serves(ours.tarball));
    const path = pathOf(folder, ours);
    put(`${path}.part`, ours.library.subarray(1));
    put(join(dirname(path), "lock-somebody"), new Uint8Array());
    await start(folder, registry, ours);
    assertEquals(leftIn(folder), [ours.artefact.file]);
  }));

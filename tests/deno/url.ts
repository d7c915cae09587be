/** The module behind a URL, as JSR serves it: no file is beside it, and it finds its library all the same. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { promisify } from "node:util";
import { withFolder } from "../support/node.ts";
import { refuses, serves, startRegistry } from "../support/registry.ts";
import { freshUser, leftIn, realRelease, stage } from "../support/release.ts";

Deno.test("a module behind a URL fetches the library once, and names JSR's command where it cannot", () =>
  withFolder(async (folder) => {
    const ours = await realRelease();
    const staged = join(folder, "staged");
    stage(staged, ours.release);
    await using modules = await startRegistry((request, response) => {
      const type = { "content-type": "application/typescript" };
      const { pathname } = new URL(request.url ?? "", "http://localhost");
      response.writeHead(200, type).end(readFileSync(join(staged, pathname)));
    });
    await using refusing = await startRegistry(refuses(503));
    await using registry = await startRegistry(serves(ours.tarball));
    const start = async (url: string) => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        ...["run", "-A", "--quiet", "--no-config"],
        `${modules.url}tests/programs/installs.ts`,
        join(folder, "alice"),
      ], {
        cwd: folder,
        env: { ...freshUser(folder, url), DENO_DIR: join(folder, "deno") },
      });
      return JSON.parse(stdout);
    };
    const { message } = await start(refusing.url);
    assertStringIncludes(message, "`deno run -A jsr:@unaiverse/p2p@");
    for (let round = 0; round < 2; round++) {
      assertEquals((await start(registry.url)).message, "listens");
    }
    assertEquals(registry.asked.length, 1);
    assertEquals(leftIn(folder), [ours.artefact.file]);
  }));

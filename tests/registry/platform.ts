/**
 * The platform's package in a real registry: published as a release is, and fetched from there by first uses in each runtime.
 * Not named `.test.ts`: the test command runs it by itself, once.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { findRuntime, type Runtime } from "../../scripts/runtimes.ts";
import { withFolder } from "../support/node.ts";
import { type Ended, runProgram } from "../support/program.ts";
import {
  freshUser,
  leftIn,
  realRelease,
  RELEASED,
  stage,
} from "../support/release.ts";
import { platformPackage } from "./packages.ts";
import { startVerdaccio } from "./verdaccio.ts";

const RUNTIMES: Runtime["name"][] = ["deno", "bun"];

test("a first use fetches the platform's package from a real registry, in each runtime, and a second asks for nothing", () =>
  withFolder(async (folder) => {
    const ours = await realRelease();
    const registry = await startVerdaccio(join(folder, "verdaccio"));
    const program = stage(join(folder, "staged"), ours.release);
    const start = async (name: Runtime["name"], url: string) => {
      const { path } = await findRuntime(name);
      const started = performance.now();
      const ended = await runProgram(program, {
        args: [join(folder, `${name}-node`)],
        env: freshUser(join(folder, name), url),
        runtime: name,
        path,
      });
      return { ended, milliseconds: performance.now() - started };
    };
    const said = ({ stdout }: Ended) => JSON.parse(stdout).message;
    try {
      const missing = await start("deno", registry.url);
      assertMatch(said(missing.ended), /status 404/);
      await registry.publish(platformPackage(folder, ours));
      for (const name of RUNTIMES) {
        const first = await start(name, registry.url);
        assertEquals(said(first.ended), "listens", first.ended.stderr);
        assertMatch(first.ended.stderr, /^@unaiverse\/p2p: fetching .*\n$/);
        assertEquals(leftIn(join(folder, name)), [ours.artefact.file]);
      }
    } finally {
      await registry[Symbol.asyncDispose]();
    }
    for (const name of RUNTIMES) {
      const second = await start(name, registry.url);
      assertEquals(said(second.ended), "listens", second.ended.stderr);
      const taken = `${second.milliseconds.toFixed(0)} ms in all`;
      console.log(`second start of ${RELEASED} in ${name}: ${taken}`);
      rmSync(join(folder, name), { recursive: true });
    }
  }));

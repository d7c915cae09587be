/**
 * A real npm registry on this machine: verdaccio, which npm provides and Bun runs. It knows what is published to it and nothing
 * else, and lives in a folder of its own.
 */
import { join } from "@std/path";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findRuntime } from "../../scripts/runtimes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = join(ROOT, ".cache", "verdaccio");
const START = join(PROGRAM, "node_modules", "verdaccio", "bin", "verdaccio");
/** One of its dependencies asks for a tag that not every registry has. */
const MANIFEST = {
  private: true,
  dependencies: { verdaccio: "6.10.4" },
  overrides: { "node-fetch": "2.7.0" },
};
const DEADLINE = 60_000;
const run = promisify(execFile);

/** A registry that runs. */
export interface Verdaccio extends AsyncDisposable {
  /** Its address. */
  readonly url: string;
  /** Publishes the package in a folder. */
  publish(folder: string): Promise<void>;
}

/** Starts a registry that keeps its packages in a folder. */
export async function startVerdaccio(folder: string): Promise<Verdaccio> {
  await provide();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const config = join(folder, "config.json");
  const npmrc = join(folder, "npmrc");
  mkdirSync(folder, { recursive: true });
  writeFileSync(config, JSON.stringify(configuration(folder)));
  // Everybody may publish, but npm wants to show something.
  writeFileSync(
    npmrc,
    `registry=${url}\n//127.0.0.1:${port}/:_authToken=any\n`,
  );
  const bun = await findRuntime("bun");
  const args = ["--bun", START, "--config", config];
  const child = spawn(bun.path, [...args, "--listen", `127.0.0.1:${port}`], {
    stdio: "ignore",
  });
  await answers(`${url}-/ping`, child);
  return {
    url,
    async publish(folder) {
      await run("npm", ["publish", "--userconfig", npmrc], { cwd: folder });
    },
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await ended;
    },
  };
}

function configuration(folder: string) {
  const everybody = { access: "$all", publish: "$all" };
  return {
    storage: join(folder, "storage"),
    auth: { htpasswd: { file: join(folder, "htpasswd") } },
    packages: { "**": everybody },
    max_body_size: "100mb",
    log: { type: "stdout", level: "fatal" },
  };
}

/** Installs verdaccio below `.cache/`, once. */
async function provide(): Promise<void> {
  if (existsSync(START)) return;
  console.log("taking verdaccio through npm");
  mkdirSync(PROGRAM, { recursive: true });
  writeFileSync(join(PROGRAM, "package.json"), JSON.stringify(MANIFEST));
  await run("npm", ["install", "--ignore-scripts", "--silent"], {
    cwd: PROGRAM,
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + DEADLINE;
  while (performance.now() < deadline && child.exitCode === null) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill();
  throw new Error(`verdaccio does not answer at ${url}`);
}

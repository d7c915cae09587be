/**
 * The ways by which somebody comes to this package who has nothing but a runtime: an empty folder, an empty home, no Go, no
 * compiler, and registries on this machine.
 */
import { dirname, join } from "@std/path";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findRuntime } from "../../scripts/runtimes.ts";
import { PLATFORM, type TestRelease } from "../support/release.ts";
import { type Jsr, startJsr } from "./jsr.ts";
import { mainPackage, platformPackage } from "./packages.ts";
import { startVerdaccio, type Verdaccio } from "./verdaccio.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The package. */
export const NAME = "@unaiverse/p2p";
const PLATFORM_PACKAGE = `${NAME}-${PLATFORM}`;
/** Else Deno takes nothing that was published within a day. */
export const TODAY = "--minimum-dependency-age=0";

/** Commands: one installs the package into the working folder, another runs a program there. */
export interface Way {
  name: string;
  install: string[];
  /** What that command calls the package of this platform. */
  platform: string;
  run: string[];
  /** One that brings the library ahead of time and prints its path. */
  fetch: string[];
  /** One that checks the types of a program, where the runtime has it. */
  check?: string[];
}

/** All ways that there are. */
export async function allWays(): Promise<Way[]> {
  const { path: deno } = await findRuntime("deno");
  const { path: bun } = await findRuntime("bun");
  const { path: node } = await findRuntime("node");
  const npm = await npmOf();
  const path = `PATH=${dirname(node)}:/bin`;
  const inDeno = (specifier: string): Way => ({
    name: `deno add ${specifier}`,
    install: [deno, "add", TODAY, specifier],
    platform: `npm:${PLATFORM_PACKAGE}`,
    run: [deno, "run", "-A"],
    fetch: [deno, "run", "-A", TODAY, `${specifier}/install`],
    check: [deno, "check"],
  });
  return [
    inDeno(`npm:${NAME}`),
    inDeno(`jsr:${NAME}`),
    {
      name: `bun add ${NAME}`,
      install: [bun, "add", NAME],
      platform: PLATFORM_PACKAGE,
      run: [bun],
      fetch: [bun, "x", "--bun", NAME],
    },
    {
      name: `npm install ${NAME}`,
      install: [node, npm, "install", NAME],
      platform: PLATFORM_PACKAGE,
      run: [node],
      // It wants a shell, and gives that the Node.js of the PATH.
      fetch: ["/usr/bin/env", path, node, npm, "exec", "--yes", NAME],
    },
  ];
}

/** npm's own program: the one on the PATH would take the Node.js from there. */
async function npmOf(): Promise<string> {
  const { stdout } = await promisify(execFile)("npm", ["root", "--global"]);
  return join(stdout.trim(), "npm", "bin", "npm-cli.js");
}

/** The two registries, with this package and the one of this platform. */
export interface Registries extends AsyncDisposable {
  readonly npm: Verdaccio;
  readonly jsr: Jsr;
  /** Bytes of the npm package, unpacked. */
  readonly bytes: number;
}

/** Publishes everything to registries of its own. */
export async function startRegistries(
  folder: string,
  release: TestRelease,
): Promise<Registries> {
  const main = await mainPackage(folder, release);
  const npm = await startVerdaccio(join(folder, "verdaccio"));
  await npm.publish(main);
  await npm.publish(platformPackage(folder, release));
  const jsr = await startJsr(release);
  return {
    npm,
    jsr,
    bytes: bytesIn(main),
    async [Symbol.asyncDispose]() {
      await jsr[Symbol.asyncDispose]();
      await npm[Symbol.asyncDispose]();
    },
  };
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => statSync(join(parentPath, name)).size)
    .reduce((sum, size) => sum + size, 0);
}

/** Somebody who has nothing. */
export interface Newcomer {
  /** The folder with the README's first program, `hello.ts`, and nothing else. */
  cwd: string;
  /** The whole environment. */
  env: Record<string, string>;
}

/** Makes a newcomer in a folder. */
export function newcomer(folder: string, { npm, jsr }: Registries): Newcomer {
  const [cwd, home, bin] = ["project", "home", "bin"]
    .map((name) => join(folder, name));
  for (const path of [cwd, home, bin]) mkdirSync(path, { recursive: true });
  copyFileSync(join(ROOT, "examples", "hello.ts"), join(cwd, "hello.ts"));
  const env = {
    HOME: home,
    PATH: bin,
    NO_COLOR: "1",
    NPM_CONFIG_REGISTRY: npm.url,
    JSR_URL: jsr.url,
  };
  return { cwd, env };
}

/** Runs a command of a way to its end; says what it wrote to its standard output. */
export async function command(
  [path, ...args]: string[],
  options: Newcomer,
): Promise<string> {
  const { stdout } = await promisify(execFile)(path, args, options);
  return stdout;
}

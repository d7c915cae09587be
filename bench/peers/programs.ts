/** The programs that do the work of bench/peers, how they are built and started, and what they answer. */
import { join } from "@std/path";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
} from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { findRuntime, NAMES, RUN } from "../../scripts/runtimes.ts";

const HERE = import.meta.dirname!;
const CACHE = join(HERE, "..", "..", ".cache", "bench");
const START_MS = 10_000;

/** One rival: the command that its work is appended to. */
export interface Program {
  name: string;
  version: string;
  command: string[];
}

/** What a program answers. */
export type Figures = Record<string, number>;

/** Builds or installs the programs; one that cannot be had is left out, and `say` is told why. */
export async function findPrograms(
  say: (text: string) => void,
): Promise<Map<string, Program>> {
  const found = new Map<string, Program>();
  const add = async (
    name: string,
    find: () => Promise<Omit<Program, "name">>,
  ) => {
    try {
      found.set(name, { name, ...await find() });
    } catch (error) {
      say(`${name} is left out: ${(error as Error).message.split("\n")[0]}`);
    }
  };
  const module = join(HERE, "p2p", "main.ts");
  for (const name of NAMES) {
    await add(name, async () => {
      const { path, version } = await findRuntime(name);
      return { version, command: [path, ...RUN[name], module] };
    });
  }
  await add("go", buildGo);
  let js = "";
  await add("js-node", async () => {
    say("installing js-libp2p with npm");
    js = await installJs();
    const node = join(CACHE, "js", "node_modules", "node", "bin", "node");
    const { stdout } = await promisify(execFile)(node, ["--version"]);
    return { version: stdout.trim().slice(1), command: [node, js] };
  });
  for (const name of ["deno", "bun"] as const) {
    if (!js) break;
    await add(`js-${name}`, async () => {
      const { path, version } = await findRuntime(name);
      return { version, command: [path, ...RUN[name], js] };
    });
  }
  await add("python", findPython);
  return found;
}

async function buildGo() {
  const cwd = join(HERE, "go");
  const path = join(CACHE, "peer-go");
  const run = promisify(execFile);
  await run("go", ["build", "-trimpath", "-o", path, "."], { cwd });
  const { stdout } = await run("go", ["version"]);
  return { version: stdout.split(" ")[2].slice(2), command: [path] };
}

async function installJs(): Promise<string> {
  const folder = join(CACHE, "js");
  mkdirSync(folder, { recursive: true });
  for (const file of ["package.json", "main.js"]) {
    copyFileSync(join(HERE, "js", file), join(folder, file));
  }
  const args = ["install", "--no-audit", "--no-fund"];
  await promisify(execFile)("npm", args, { cwd: folder });
  return join(folder, "main.js");
}

/** The Python node asks its router for ports whatever its options say: it runs only where there is no way out. */
async function findPython() {
  const cache = join(HERE, "..", "..", ".cache", "python");
  const folder = existsSync(cache)
    ? readdirSync(cache).map((name) => join(cache, name)).find((path) =>
      existsSync(join(path, "unaiverse"))
    )
    : undefined;
  if (folder === undefined) {
    throw new Error("its package comes with `deno task test`, not run yet");
  }
  const run = promisify(execFile);
  const alone = ["unshare", "-n", "sh", "-c"];
  const up = 'ip link set lo up && exec "$@"';
  await run(alone[0], [...alone.slice(1), "ip link set lo up"]);
  return {
    version:
      readdirSync(folder).find((name) => name.startsWith("unaiverse-"))?.split(
        "-",
      )[1].replace(".dist", "") ?? "",
    command: [
      ...[...alone, up, "sh", "python3"],
      join(HERE, "python", "main.py"),
      `@${folder}`,
    ],
  };
}

/** A program at work. */
class Running implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor({ command: [command, ...args] }: Program, work: unknown) {
    const text = JSON.stringify(work);
    const folder = args.at(-1)?.startsWith("@")
      ? args.pop()!.slice(1)
      : undefined;
    this.#child = spawn(command, [...args, text, ...(folder ? [folder] : [])], {
      stdio: ["pipe", "pipe", process.env.BENCH_STDERR ? "inherit" : "ignore"],
    });
    this.#lines = createInterface({ input: this.#child.stdout! })
      [Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The next line that it prints, as an object. */
  async line(ms: number): Promise<Record<string, unknown>> {
    let timer;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`no answer within ${ms / 1000} s`);
      timer = setTimeout(() => reject(error), ms);
    });
    try {
      const { value, done } = await Promise.race([this.#lines.next(), late]);
      if (done) throw new Error("ended without an answer");
      const line = JSON.parse(value) as Record<string, unknown>;
      if (line.error) throw new Error(`${line.error}`);
      return line;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    if (this.#child.exitCode !== null) return;
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3000);
    await closed;
    clearTimeout(timer);
  }
}

/** Lets one process of a program receive and another send; answers what both found. */
export async function runPair(
  program: Program,
  work: Record<string, unknown>,
  receive: Record<string, unknown>,
  send: Record<string, unknown>,
  deadline: number,
): Promise<Figures> {
  if (program.name === "python") {
    await using both = new Running(program, { ...work, role: "both" });
    const { sent, result } = await both.line(deadline + START_MS);
    return merge(sent as Figures, result as Figures);
  }
  await using receiver = new Running(program, {
    ...work,
    ...receive,
    role: "receive",
  });
  const { listening: to } = await receiver.line(START_MS);
  await using sender = new Running(program, {
    ...work,
    ...send,
    role: "send",
    to,
  });
  const received = ["frames", "topic"].includes(work.work as string)
    ? receiver.line(deadline + START_MS)
    : { result: {} };
  const [sent, seen] = await Promise.all([
    sender.line(deadline + START_MS),
    received,
  ]);
  return merge(sent.result as Figures, seen.result as Figures);
}

/** Lets one process do a work alone. */
export async function runAlone(
  program: Program,
  work: Record<string, unknown>,
  deadline: number,
): Promise<Figures> {
  await using alone = new Running(program, { ...work, role: "send" });
  return (await alone.line(deadline + START_MS)).result as Figures;
}

/** Starts a program until it listens, and lets it rest: how long that took, what memory and what processor it takes. */
export async function runStart(
  program: Program,
  work: Record<string, unknown>,
): Promise<Figures> {
  const began = performance.now();
  await using started = new Running(program, { ...work, role: "receive" });
  await started.line(START_MS);
  const ms = performance.now() - began;
  await sleep(1500);
  const before = ticks(started.pid);
  await sleep(2000);
  const status = readFileSync(`/proc/${started.pid}/status`, "utf8");
  const rss = Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
  const idle = (ticks(started.pid) - before) * 10 / 2;
  return { ms, rss, idle };
}

/** Hundredths of a second that a process has run. */
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "").split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function merge(sent: Figures, seen: Figures): Figures {
  return {
    ...sent,
    ...seen,
    senderCpu: sent.cpu,
    receiverCpu: seen.cpu,
    cpu: (sent.cpu ?? 0) + (seen.cpu ?? 0),
  };
}

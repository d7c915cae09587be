/** The other end of `peer.ts`: starts a process, tells it what to do, and looks at what it takes of the machine. */
import { join } from "@std/path";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import type { LibrarySettings } from "../../mod.ts";
import { RUN, type Runtime } from "../../scripts/runtimes.ts";
import type { Answered, Given, Orders } from "./orders.ts";

const PROGRAM = join(import.meta.dirname!, "peer.ts");
const ANSWER_MS = 60_000;
/** Each runtime lets the program collect garbage, so that memory can be looked at without it. */
const FLAGS = {
  deno: [...RUN.deno, "--v8-flags=--expose-gc"],
  bun: ["--expose-gc"],
  node: [...RUN.node, "--expose-gc"],
};

/** An error that the process answered, or that it did not answer. */
export class OrderError extends Error {
  readonly code?: string;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: OrderError): void;
}

/** A process with nodes. */
export class Peer implements AsyncDisposable {
  readonly runtime: Runtime;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #stderr = "";

  private constructor(runtime: Runtime) {
    this.runtime = runtime;
    const flags = FLAGS[runtime.name];
    this.#child = spawn(runtime.path, [...flags, PROGRAM], {
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child.stdin!.on("error", () => {});
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    createInterface({ input: this.#child.stdout! })
      .on("line", (line) => this.#answer(line));
    this.ended = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        this.#end(`${code ?? signal}`);
        resolve();
      });
    });
  }

  /** Starts a process with library settings of its own. */
  static async start(
    runtime: Runtime,
    settings: LibrarySettings = {},
  ): Promise<Peer> {
    const peer = new Peer(runtime);
    await peer.order("setup", settings);
    return peer;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Whether it has ended. */
  get gone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Gives an order and waits for the answer. */
  order<K extends keyof Orders>(
    order: K,
    given: Given<K>,
    ms = ANSWER_MS,
  ): Promise<Answered<K>> {
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const late = () =>
      reject(new OrderError(`"${order}" took more than ${ms} ms`, "LATE"));
    const timer = setTimeout(late, ms);
    this.#waiting.set(id, { resolve, reject });
    if (this.gone) reject(new OrderError("the process has ended", "GONE"));
    this.#child.stdin!.write(`${JSON.stringify({ id, order, given })}\n`);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }) as Promise<Answered<K>>;
  }

  /** Kills the process as the system does, without a word. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Lets the process end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await this.ended;
    clearTimeout(timer);
  }

  #answer(line: string): void {
    const { id, result, error } = JSON.parse(line);
    const waiting = this.#waiting.get(id);
    if (error) waiting?.reject(new OrderError(error.message, error.code));
    else waiting?.resolve(result);
  }

  #end(how: string): void {
    const said = this.#stderr.trim();
    const error = new OrderError(`the process ended: ${how} ${said}`, "GONE");
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}

/** The memory of a process now, in MB. */
export function rssMB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
}

/** Seconds of processor time that a process has taken. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

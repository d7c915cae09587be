/** A node of this module in a process of its own, on a host of the lab. */
import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CURRENT, RUN } from "../../scripts/runtimes.ts";

const PROGRAM = fileURLToPath(new URL("remote_node.ts", import.meta.url));

interface Answer {
  id: number;
  result?: unknown;
  error?: string;
}

/** The process, in the runtime that this is. */
export class RemoteNode implements AsyncDisposable {
  #log = "";
  #requests = 0;
  readonly #child;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, (answer: Answer) => void>();

  /** Starts it behind a command that says where. */
  constructor([command, ...args]: string[]) {
    const program = [process.execPath, ...RUN[CURRENT], PROGRAM];
    const child = spawn(command, [...args, ...program]);
    this.#child = child;
    child.stderr.setEncoding("utf8").on("data", (text) => this.#log += text);
    createInterface(child.stdout).on("line", (line) => {
      const answer: Answer = JSON.parse(line);
      this.#waiting.get(answer.id)!(answer);
      this.#waiting.delete(answer.id);
    });
    this.#ended = new Promise((resolve) =>
      child.on("close", (code) => {
        const error = `the node ended with ${code}: ${this.#log.slice(-2000)}`;
        for (const [id, settle] of this.#waiting) settle({ id, error });
        resolve();
      })
    );
  }

  /** Asks for one of the calls of the program. */
  async request<T>(call: string, ...args: unknown[]): Promise<T> {
    const id = ++this.#requests;
    const { result, error } = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.stdin.write(`${JSON.stringify({ id, call, args })}\n`);
    });
    if (error !== undefined) throw new Error(`${call}: ${error}`);
    return result as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }
}

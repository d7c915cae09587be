/**
 * Python nodes for the tests: a Python process that runs `peer.py`, and the nodes in it. Only to be used where there is no way
 * out to the network.
 */
import { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { withFolder } from "../support/node.ts";

const PROGRAM = fileURLToPath(new URL("peer.py", import.meta.url));

/** What keeps a Python node from asking around before it is ready; it listens on 127.0.0.1 alone. */
const LOCAL = {
  ips: ["127.0.0.1"],
  knows_is_public: true,
  dht_enabled: false,
  enable_relay_client: false,
  webrtc_enabled: false,
};

interface Answer {
  result?: unknown;
  error?: string;
}

/** A Python process. It does one thing at a time, and its nodes end with it: closing one takes longer than most cases. */
export class Python implements AsyncDisposable {
  /** What it logged so far. */
  log = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  #nodes = 0;

  /** Starts `python` with the package in `folder`, behind a command that says where, if there is one. */
  constructor(python: string, folder: string, where: string[] = []) {
    const [command, ...args] = [...where, python, PROGRAM, folder];
    const child = spawn(command, args);
    this.#child = child;
    child.stderr.setEncoding("utf8").on("data", (text) => this.log += text);
    createInterface(child.stdout).on("line", (line) => {
      this.#waiting.shift()!(JSON.parse(line));
    });
    this.#ended = new Promise((resolve) =>
      child.on("close", (code) => {
        const error = `Python ended with ${code}: ${this.log.slice(-2000)}`;
        for (const settle of this.#waiting.splice(0)) settle({ error });
        resolve();
      })
    );
  }

  /** Calls a function of `peer.py`. */
  async request(call: string, ...args: unknown[]): Promise<unknown> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin!.write(`${JSON.stringify({ call, args })}\n`);
    });
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.result;
  }

  /** Makes a node; without an `identity_dir` nothing is left of its key. */
  async create(options: Record<string, unknown> = {}): Promise<PythonNode> {
    const number = this.#nodes++;
    const made = await withFolder((folder) =>
      this.request("create", number, {
        ...LOCAL,
        identity_dir: folder,
        ...options,
      })
    );
    return new PythonNode(this, number, made as Made);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    await this.#ended;
  }
}

interface Made {
  peerId: string;
  addresses: string[];
}

/** A Python node. */
export class PythonNode {
  readonly peerId: string;
  readonly addresses: string[];
  readonly #python: Python;
  readonly #number: number;

  constructor(python: Python, number: number, made: Made) {
    this.#python = python;
    this.#number = number;
    this.peerId = made.peerId;
    this.addresses = made.addresses;
  }

  /** Calls a method of the Python class by its Python name. */
  call<T>(method: string, ...args: unknown[]): Promise<T> {
    return this.#python.request(
      "call",
      this.#number,
      method,
      ...args,
    ) as Promise<T>;
  }

  /** Sends payloads, one after another, to a peer or a topic. */
  async send(channel: string, ...payloads: Uint8Array[]): Promise<void> {
    const encoded = payloads.map((payload) =>
      Buffer.from(payload).toString("base64")
    );
    await this.#python.request("send", this.#number, channel, encoded);
  }

  /** Sends so many messages to a peer, each with its number and the time, with a pause of seconds after each. */
  async number(peer: string, count: number, pause: number): Promise<void> {
    const channel = `${this.peerId}::dm:${peer}-misc`;
    await this.#python.request("number", this.#number, channel, count, pause);
  }

  /** Publishes a roster as a world does. */
  async announce(topic: string, roster: unknown): Promise<void> {
    await this.#python.request("announce", this.#number, topic, roster);
  }

  /** The next messages, or fewer when no more come; the package does not tell their channel. */
  async take(
    count: number,
    seconds = 20,
  ): Promise<{ from: string; data: Uint8Array }[]> {
    const taken = await this.#python.request(
      "take",
      this.#number,
      count,
      seconds,
    );
    return (taken as { from: string; data: string }[]).map((
      { from, data },
    ) => ({ from, data: new Uint8Array(Buffer.from(data, "base64")) }));
  }

  /** The streams that messages from and to a peer took so far, in their order. */
  streams(peerId: string): string[] {
    return this.#python.log.split("\n")
      .filter((line) => /Received msg|Sent to/.test(line))
      .filter((line) => line.includes(peerId))
      .flatMap((line) => /\b\w+-\d+-\d+\b/.exec(line) ?? []);
  }
}

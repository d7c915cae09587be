/** The sending half of a process of bench/faults: numbered messages to one peer, and which of them were refused. */
import { Buffer } from "node:buffer";
import { setTimeout as delay } from "node:timers/promises";
import type { P2P } from "../../mod.ts";
import { randomFrom } from "../../tests/support/messages.ts";
import type { Sent } from "./ledger.ts";
import { sizeOf, type Sizes, write } from "./payload.ts";

/**
 * How messages are sent: each awaited before the next; many at once; by `node.sender()`; with a time limit that some of those that wait
 * for room will not keep; or published on a topic.
 */
export type Way = "awaited" | "many" | "sender" | "timed" | "topic";

/** What a flow sends. */
export interface FlowSpec extends Sizes {
  /** A number that no other flow of the run has; the channel names it. */
  flow: number;
  /** The peer; nobody for a topic. */
  to: string;
  way: Way;
  /** How many messages; without end if it is left out. */
  total?: number;
  /** How many channels the messages are spread over. Default 1. */
  channels?: number;
  /** Messages a second at most. */
  rate?: number;
}

/** How many messages are under way at once where there are many. */
const MANY = 200;
/** How long a flow waits after a refusal before it tries again. */
const REST_MS = 20;

/** Messages to one peer, until they are all sent, the flow is stopped, or the node is closed. */
export class Flow {
  readonly spec: FlowSpec;
  /** Resolves when nothing more is sent; promises may still be pending. */
  readonly ended: Promise<void>;
  readonly #node: P2P;
  readonly #from: string;
  readonly #random: () => number;
  /** The same memory for each message: it may be used again as soon as a call has returned. */
  readonly #buffer: Buffer;
  readonly #refused: number[] = [];
  readonly #codes: Record<string, number> = {};
  #next = 0;
  #pending = 0;
  #stopped = false;
  #refusedLately = false;

  constructor(node: P2P, spec: FlowSpec) {
    this.#node = node;
    this.#from = node.peerId!;
    this.spec = spec;
    this.#random = randomFrom(spec.seed);
    this.#buffer = Buffer.alloc(
      Math.max(spec.largest, spec.exception?.size ?? 0),
    );
    this.ended = spec.way === "sender" ? this.#pour() : this.#send();
  }

  /** What was sent so far. */
  get sent(): Sent & { codes: Record<string, number> } {
    return {
      next: this.#next,
      refused: this.#refused,
      pending: this.#pending,
      codes: this.#codes,
    };
  }

  /** How many messages were accepted so far. */
  get accepted(): number {
    return this.#next - this.#refused.length - this.#pending;
  }

  /** Sends nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  async #send(): Promise<void> {
    const awaited = this.spec.way !== "many";
    while (this.#more()) {
      const number = this.#next++;
      this.#pending++;
      const accepted = this.#start(number).then(
        () => void this.#pending--,
        (error) => {
          this.#pending--;
          this.#refused.push(number);
          this.#note(error);
        },
      );
      if (awaited) await accepted;
      else if (this.#pending >= MANY) await Promise.race([accepted, delay(5)]);
      await this.#pace();
    }
  }

  #start(number: number): Promise<void> {
    const channel = this.#channel(number);
    const payload = this.#payload(number);
    const { way } = this.spec;
    if (way === "topic") return this.#node.broadcastMessage(channel, payload);
    const timeout = 1 + Math.floor(this.#random() * 50);
    const options = way === "timed" ? { timeout } : undefined;
    return this.#node.sendMessageToPeer(channel, payload, options);
  }

  async #pour(): Promise<void> {
    const sender = this.#node.sender(this.#channel(0));
    while (this.#more()) {
      try {
        const payload = this.#payload(this.#next);
        while (!sender.send(payload)) {
          await sender.ready;
          if (this.#stopped) return;
        }
        this.#next++;
      } catch (error) {
        this.#note(error);
      }
      await this.#pace();
    }
  }

  #more(): boolean {
    return !this.#stopped && this.#next < (this.spec.total ?? Infinity);
  }

  /** Takes a refusal down. A flow goes on after it, unless the node is closed. */
  #note(error: unknown): void {
    const code = (error as { code?: string }).code ?? String(error);
    this.#codes[code] = (this.#codes[code] ?? 0) + 1;
    if (code === "CLOSED" || !("code" in (error as Error))) this.stop();
    if (code !== "TIMEOUT") this.#refusedLately = true;
  }

  #channel(number: number): string {
    const { to, flow, channels = 1, way } = this.spec;
    if (way === "topic") return topicOf(this.#from, flow);
    return `${this.#from}::dm:${to}-f${flow}c${number % channels}`;
  }

  #payload(number: number): Buffer {
    const data = this.#buffer.subarray(0, sizeOf(this.spec, number));
    write(data, this.spec.flow, number);
    return data;
  }

  /** Keeps to the rate, and lets the event loop turn. */
  async #pace(): Promise<void> {
    const { rate } = this.spec;
    if (this.#refusedLately) {
      this.#refusedLately = false;
      await delay(REST_MS);
    }
    if (rate !== undefined) await delay(this.#random() * 2000 / rate);
    else if (this.#next % 64 === 0) await turn();
  }
}

/** The topic of a flow that is published. */
export function topicOf(owner: string, flow: number): string {
  return `${owner}::ps:f${flow}c0`;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * The receiving half of a process of bench/faults: reads in the way that it is told to, and takes each message down in a file before it asks
 * for the next, so that what was read is known even of a process that was killed.
 */
import { openSync, readFileSync, writeSync } from "node:fs";
import type { Message, P2P } from "../../mod.ts";
import { randomFrom } from "../../tests/support/messages.ts";
import { read } from "./payload.ts";

/** How a program reads. */
export interface ReaderSpec {
  /** The file. */
  log: string;
  seed: number;
  /** Whether it takes views of shared memory. */
  shared?: boolean;
  /** Bytes a second at most. */
  speed?: number;
  /** After how many messages, on average, it pauses, and for how many milliseconds at most. */
  pauseEvery?: number;
  pauseMs?: number;
  /** Stops for good after so many messages; `goOn` ends that. */
  stopAfter?: number;
}

/** A message in the file: flow, number, length, and 1 if it was unchanged. */
export type Arrival = [
  flow: number,
  number: number,
  length: number,
  intact: number,
];

const FIELDS = 4;
/** A shorter pause takes longer than it should. */
const SHORTEST_MS = 2;

/** Reads the messages of a node until it is closed. */
export class Reader {
  /** Resolves when the node was closed and all of its messages were taken. */
  readonly ended: Promise<void>;
  /** How many messages were taken. */
  count = 0;
  readonly #spec: ReaderSpec;
  readonly #file: number;
  readonly #random: () => number;
  readonly #record = new Uint32Array(FIELDS);
  readonly #flows = new Map<string, number>();
  #hurrying = false;
  /** Ends the pause there is. */
  #wake = () => {};
  /** Milliseconds that were not worth a pause yet. */
  #debt = 0;

  constructor(node: P2P, spec: ReaderSpec) {
    this.#spec = spec;
    this.#file = openSync(spec.log, "a");
    this.#random = randomFrom(spec.seed);
    this.ended = this.#run(node);
  }

  /** From now on reads as fast as it can. */
  hurry(): void {
    this.#hurrying = true;
    this.#wake();
  }

  async #run(node: P2P): Promise<void> {
    const { shared = false } = this.#spec;
    for await (const message of node.messages({ shared })) {
      this.#take(message);
      if (!this.#hurrying) await this.#rest(message.data.length);
    }
  }

  #take({ from, channel, data }: Message): void {
    const flow = this.#flowOf(channel);
    const { number, intact } = read(data, flow);
    const known = flow >= 0 && channel.startsWith(`${from}::`);
    this.#record.set([flow, number, data.length, Number(intact && known)]);
    writeSync(this.#file, new Uint8Array(this.#record.buffer));
    this.count++;
  }

  #flowOf(channel: string): number {
    let flow = this.#flows.get(channel);
    if (flow === undefined) {
      flow = Number(/[-:]f(\d+)c\d+$/.exec(channel)?.[1] ?? -1);
      this.#flows.set(channel, flow);
    }
    return flow;
  }

  async #rest(length: number): Promise<void> {
    const { speed, pauseEvery, pauseMs = 0, stopAfter } = this.#spec;
    if (this.count === stopAfter) return await this.#pause();
    if (pauseEvery && this.#random() * pauseEvery < 1) {
      await this.#pause(this.#random() * pauseMs);
    }
    if (speed === undefined) return;
    this.#debt += 1000 * length / speed;
    if (this.#debt < SHORTEST_MS) return;
    await this.#pause(this.#debt);
    this.#debt = 0;
  }

  /** Waits for so long, or until there is hurry. */
  #pause(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** What a reader has taken down, in the order of arrival. */
export function* readLog(file: string): Iterable<Arrival> {
  const bytes = readFileSync(file);
  const length = countLog(bytes.length) * FIELDS;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, length);
  for (let i = 0; i < length; i += FIELDS) {
    yield [words[i], words[i + 1], words[i + 2], words[i + 3]];
  }
}

/** How many messages a reader has taken down, from the length of its file. */
export function countLog(length: number): number {
  return Math.floor(length / (FIELDS * Uint32Array.BYTES_PER_ELEMENT));
}

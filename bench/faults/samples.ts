/** What a process of bench/faults takes over time: memory, Go's heap and goroutines, looked at again and again. */
import { setTimeout as delay } from "node:timers/promises";
import type { Runtime } from "../../scripts/runtimes.ts";
import { findFreePorts } from "../../tests/support/ports.ts";
import { Peer, rssMB } from "./control.ts";

/** A process whose Go half can be looked into. */
export class Profiled implements AsyncDisposable {
  readonly peer: Peer;
  /** Where Go's profiler answers. */
  readonly #pprof: string;

  private constructor(peer: Peer, pprof: string) {
    this.peer = peer;
    this.#pprof = pprof;
  }

  /** Starts a process. */
  static async start(runtime: Runtime): Promise<Profiled> {
    const pprof = `127.0.0.1:${await findFreePorts()}`;
    return new Profiled(await Peer.start(runtime, { pprof }), pprof);
  }

  /** What lives in Go's heap after a collection. */
  async goHeapMB(): Promise<number> {
    const path = "/debug/pprof/heap?gc=1&debug=1";
    const text = await (await fetch(`http://${this.#pprof}${path}`)).text();
    return Number(/# HeapAlloc = (\d+)/.exec(text)![1]) / 2 ** 20;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer[Symbol.asyncDispose]();
  }
}

/** What a process took at a moment. */
interface Sample {
  minutes: number;
  /** In MB, as it was found. */
  found: number;
  /** In MB, when what had been let go was given back to the system. */
  rss: number;
  /** What lives in Go's heap, in MB, right after a collection. */
  go: number;
  /** What lives in JavaScript's, in MB. */
  js: number;
  goroutines: number;
}

/** How a process changed. */
export interface Growth {
  /** In MB, at the end of the warm-up and at the end; what allocators keep for later is not in it. */
  rss: string;
  /** In MB a minute after the warm-up, by least squares. */
  rssSlope: number;
  /** The same with what allocators keep, which grows until they have seen the most that is needed at a time. */
  found: string;
  foundSlope: number;
  goHeap: string;
  goSlope: number;
  jsHeap: string;
  goroutines: string;
}

/** The warm-up is this share of the whole time. */
const WARM_UP = 1 / 3;

/** Looks at a process until it is told to end. */
export class Samples {
  readonly #process: Profiled;
  readonly #everyMs: number;
  readonly #samples: Sample[] = [];
  readonly #began = performance.now();
  readonly #ended: Promise<void>;
  readonly #stop = new AbortController();

  constructor(process: Profiled, everyMs: number) {
    this.#process = process;
    this.#everyMs = everyMs;
    this.#ended = this.#run();
  }

  /** Looks a last time, and says how the process changed. */
  async end(): Promise<Growth> {
    this.#stop.abort();
    await this.#ended;
    await this.#look();
    const warm = this.#samples.slice(
      Math.floor(this.#samples.length * WARM_UP),
    );
    const span = (key: keyof Sample) =>
      `${Math.round(warm[0][key])} to ${Math.round(warm.at(-1)![key])}`;
    return {
      rss: span("rss"),
      rssSlope: slope(warm, "rss"),
      found: span("found"),
      foundSlope: slope(warm, "found"),
      goHeap: span("go"),
      goSlope: slope(warm, "go"),
      jsHeap: span("js"),
      goroutines: span("goroutines"),
    };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#look();
      await delay(this.#everyMs, undefined, { signal }).catch(() => {});
    }
  }

  async #look(): Promise<void> {
    const { peer } = this.#process;
    const found = rssMB(peer.pid);
    const go = await this.#process.goHeapMB();
    const { goroutines, heapMB } = await peer.order("inside", {});
    this.#samples.push({
      minutes: (performance.now() - this.#began) / 60_000,
      found,
      rss: rssMB(peer.pid),
      go,
      js: heapMB,
      goroutines,
    });
  }
}

/** How much something grows a minute: the slope of the line that lies closest to the samples, rounded to hundredths. */
function slope(samples: Sample[], key: keyof Sample): number {
  const mean = (value: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + value(sample), 0) / samples.length;
  const x = mean(({ minutes }) => minutes);
  const y = mean((sample) => sample[key]);
  const above = mean((at) => (at.minutes - x) * (at[key] - y));
  const below = mean((at) => (at.minutes - x) ** 2);
  return Math.round(100 * above / below) / 100;
}

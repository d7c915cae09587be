/** What a process of bench/faults takes over time: memory, Go's heap and goroutines, looked at again and again. */
import { setTimeout as delay } from "node:timers/promises";
import { type Peer, rssMB } from "./control.ts";

/** What a process took at a moment. */
interface Sample {
  minutes: number;
  rss: number;
  /** What lives in Go's heap, in MB, right after a collection. */
  go: number;
  /** What lives in JavaScript's, in MB. */
  js: number;
  goroutines: number;
}

/** How a process changed. */
export interface Growth {
  /** In MB, at the end of the warm-up and at the end. */
  rss: string;
  /** In MB a minute after the warm-up, by least squares. */
  rssSlope: number;
  goHeap: string;
  goSlope: number;
  jsHeap: string;
  goroutines: string;
}

/** The warm-up is this share of the whole time. */
const WARM_UP = 1 / 3;

/** Looks at a process until it is told to end. */
export class Samples {
  readonly #peer: Peer;
  readonly #pprof: string;
  readonly #everyMs: number;
  readonly #samples: Sample[] = [];
  readonly #began = performance.now();
  readonly #ended: Promise<void>;
  readonly #stop = new AbortController();

  /** `pprof` is where Go's profiler of the process answers. */
  constructor(peer: Peer, pprof: string, everyMs: number) {
    this.#peer = peer;
    this.#pprof = pprof;
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
      rssSlope: slope(warm.map(({ minutes, rss }) => [minutes, rss])),
      goHeap: span("go"),
      goSlope: slope(warm.map(({ minutes, go }) => [minutes, go])),
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
    const go = await goHeapMB(this.#pprof);
    const { goroutines, heapMB } = await this.#peer.order("inside", {});
    this.#samples.push({
      minutes: (performance.now() - this.#began) / 60_000,
      rss: rssMB(this.#peer.pid),
      go,
      js: heapMB,
      goroutines,
    });
  }
}

/** What lives in Go's heap after a collection, as its profiler tells. */
async function goHeapMB(pprof: string): Promise<number> {
  const answer = await fetch(`http://${pprof}/debug/pprof/heap?gc=1&debug=1`);
  const text = await answer.text();
  return Number(/# HeapAlloc = (\d+)/.exec(text)![1]) / 2 ** 20;
}

/** The slope of the line that lies closest to some points, rounded to hundredths. */
function slope(points: [x: number, y: number][]): number {
  const mean = (values: number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(([x]) => x));
  const y = mean(points.map(([, y]) => y));
  const above = mean(points.map((point) => (point[0] - x) * (point[1] - y)));
  const below = mean(points.map((point) => (point[0] - x) ** 2));
  return Math.round(100 * above / below) / 100;
}

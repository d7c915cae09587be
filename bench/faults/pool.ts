/** Processes of bench/faults that serve one scenario after another; one that has ended is replaced. */
import type { Runtime } from "../../scripts/runtimes.ts";
import { Peer } from "./control.ts";

/** The processes, by what they are and what they take. */
export class Pool implements AsyncDisposable {
  readonly #peers = new Map<string, Peer>();

  /** A process of a runtime in a part of its own, in which messages have at most `limit` bytes. */
  async take(runtime: Runtime, part: string, limit?: number): Promise<Peer> {
    const key = `${runtime.name} ${part} ${limit}`;
    const known = this.#peers.get(key);
    if (known && !known.gone) return known;
    const settings = limit ? { maxMessageSize: limit } : {};
    const peer = await Peer.start(runtime, settings);
    this.#peers.set(key, peer);
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ending = Array.from(
      this.#peers.values(),
      (peer) => peer[Symbol.asyncDispose](),
    );
    await Promise.all(ending);
  }
}

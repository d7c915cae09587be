/** A node of bench/faults in a process that other nodes may share. */
import type { P2POptions } from "../../mod.ts";
import type { Peer } from "./control.ts";
import type { Answered, Given, Orders, State } from "./orders.ts";
import type { ReaderSpec } from "./reader.ts";

type Unnamed<K extends keyof Orders> = Omit<Given<K>, "name">;

let names = 0;

/** The timeout of a close that names none. */
const CLOSE_MS = 10_000;
/** How long a close may take beyond its timeout. */
const SLACK_MS = 2000;

/** How a node was closed. */
export interface Closed {
  ms: number;
  broken: string[];
}

/** One node, in a process that others may share. */
export class Party {
  readonly peer: Peer;
  readonly peerId: string;
  readonly addresses: string[];
  /** Where its reader takes messages down. */
  readonly log: string;
  readonly options: Partial<P2POptions>;
  /** What it knew when it was closed. */
  final?: State;
  readonly #name: string;

  private constructor(
    peer: Peer,
    name: string,
    made: Answered<"create">,
    log: string,
    options: Partial<P2POptions>,
  ) {
    this.peer = peer;
    this.#name = name;
    this.peerId = made.peerId;
    this.addresses = made.addresses;
    this.log = log;
    this.options = options;
  }

  /** Makes a node in a process. */
  static async create(
    peer: Peer,
    log: string,
    options: Partial<P2POptions>,
  ): Promise<Party> {
    const name = `${++names}`;
    const made = await peer.order("create", { name, options });
    return new Party(peer, name, made, log, options);
  }

  /** Gives an order to the node. */
  order<K extends keyof Orders>(
    order: K,
    given: Unnamed<K>,
    ms?: number,
  ): Promise<Answered<K>> {
    const named = { name: this.#name, ...given } as unknown as Given<K>;
    return this.peer.order(order, named, ms);
  }

  /** Begins to read. */
  read(spec: Omit<ReaderSpec, "log">): Promise<void> {
    return this.order("read", { log: this.log, ...spec });
  }

  async state(): Promise<State> {
    return this.final ?? await this.order("state", {});
  }

  /**
   * Closes the node, with a timeout or the one of the library, and says what was wrong with that. What was told by the time that it
   * answers is what was told.
   */
  async close(timeout?: number): Promise<Closed> {
    const most = (timeout ?? CLOSE_MS) + SLACK_MS;
    const began = performance.now();
    const broken: string[] = [];
    try {
      await this.order("close", { options: { timeout } });
    } catch (error) {
      if (this.peer.gone) throw error;
      broken.push(`close: ${(error as Error).message}`);
    }
    const ms = Math.round(performance.now() - began);
    if (ms > most) broken.push(`close took ${ms} ms`);
    this.final = await this.order("state", {});
    return { ms, broken };
  }

  /** Waits until the program has taken what there is, and forgets the node. */
  async leave(): Promise<void> {
    if (this.peer.gone) return;
    await this.order("hurry", {});
    if (!this.final) await this.close();
    await this.order("taken", {});
    await this.order("forget", {});
  }
}

/**
 * Hot restarts. `bun --hot` evaluates the modules again in the same isolate while the nodes of the evaluation before still
 * listen; so each evaluation of one URL retires the one before it, and its first node waits until those have closed.
 *
 * @module
 */

import { P2PError } from "./errors.ts";
import { registry } from "./native/registry.ts";
import type { Settings } from "./settings.ts";

/** An evaluation as the next one knows it, which may be of another version. */
interface Retiring {
  retire(): Promise<void>;
}

const KEY = Symbol.for("@unaiverse/p2p evaluations");
/** By module URL, the evaluation that owns nodes. */
const evaluations: Map<string, Retiring> =
  (globalThis as { [KEY]?: Map<string, Retiring> })[KEY] ??= new Map();

/** A node as its evaluation knows it. */
export interface Closable {
  close(): Promise<unknown>;
}

/** One evaluation of this module and the nodes that it made. */
export class Evaluation {
  /** Open nodes. */
  readonly nodes: Set<Closable> = new Set();
  /** When the nodes of the evaluation before have closed. */
  readonly ready: Promise<void>;
  /** What this evaluation gave to `P2P.setupLibrary`. */
  settings?: Settings;
  /** Whether those nodes are still closing. */
  replacing = false;

  readonly #creating = new Set<Promise<unknown>>();
  #retired = false;

  constructor(url: string) {
    const before = evaluations.get(url);
    evaluations.set(url, this);
    this.ready = before ? this.#replace(before) : Promise.resolve();
  }

  /** Runs the making of a node, so that a retirement can wait for it. */
  async create<T>(make: () => Promise<T>): Promise<T> {
    if (this.#retired) {
      throw new P2PError("CLOSED", "a hot restart replaced this module", {
        operation: "create",
      });
    }
    const made = this.ready.then(make);
    this.#creating.add(made);
    try {
      return await made;
    } finally {
      this.#creating.delete(made);
    }
  }

  /** Closes every node, those in the making included, and takes the settings back. */
  async retire(): Promise<void> {
    this.#retired = true;
    const shared = registry();
    if (shared.settings === this.settings) shared.settings = undefined;
    await Promise.allSettled(this.#creating);
    await Promise.allSettled([...this.nodes].map((node) => node.close()));
  }

  async #replace(before: Retiring): Promise<void> {
    this.replacing = true;
    await before.retire();
    this.replacing = false;
  }
}

/** This evaluation. */
export const evaluation: Evaluation = new Evaluation(import.meta.url);

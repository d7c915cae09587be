/**
 * Hot restarts. `bun --hot` evaluates the modules again in the same isolate while the nodes of the evaluation before still
 * listen; so each evaluation of one URL retires the one before it, and its first node waits until those have closed.
 *
 * @module
 */

import { P2PError } from "./errors.ts";
import type { Settings } from "./settings.ts";
import { registry } from "./native/registry.ts";

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
    const shared = registry();
    const before = shared.evaluations.get(url);
    shared.evaluations.set(url, this);
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

  /** Closes every node, those in the making included. */
  async retire(): Promise<void> {
    this.#retired = true;
    await Promise.allSettled(this.#creating);
    await Promise.allSettled([...this.nodes].map((node) => node.close()));
  }

  async #replace(before: Evaluation): Promise<void> {
    this.replacing = true;
    const shared = registry();
    if (shared.settings === before.settings) shared.settings = undefined;
    await before.retire();
    this.replacing = false;
  }
}

/** This evaluation. */
export const evaluation: Evaluation = new Evaluation(import.meta.url);

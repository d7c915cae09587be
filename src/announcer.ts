/**
 * The events of a node on their way to the program. What comes before the program could listen waits until it can; the last
 * warnings are kept for who asks later.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type { P2PEventMap, WarningDetail } from "./events.ts";

/** How many warnings are kept. */
const MAX_WARNINGS = 100;

/** Tells a program of what happens to one node. */
export class Announcer {
  readonly #target: EventTarget;
  readonly #link: { readonly turn: number };
  /** The turn in which the node was made: until it is over `create` cannot have resolved. */
  readonly #born: number;
  /** What waits for the program to be able to listen, in its order. */
  #early?: (() => void)[] = [];
  readonly #warnings: WarningDetail[] = [];

  /** `link` tells one turn of the event loop from the next. */
  constructor(target: EventTarget, link: { readonly turn: number }) {
    this.#target = target;
    this.#link = link;
    this.#born = link.turn;
    // Behind all microtasks, and with them behind whatever awaits `create`.
    setImmediate(() => this.#begin());
  }

  /** The last warnings, oldest first. */
  get warnings(): WarningDetail[] {
    return structuredClone(this.#warnings);
  }

  /** Tells of an event. */
  tell<K extends Exclude<keyof P2PEventMap, "readable">>(
    type: K,
    detail: P2PEventMap[K]["detail"],
  ): void {
    if (type === "warning") this.#keep(detail as WarningDetail);
    this.#soon(() =>
      this.#target.dispatchEvent(new CustomEvent(type, { detail }))
    );
  }

  /** Tells that messages can be read, if by then they still can. */
  readable(waiting: () => boolean): void {
    this.#soon(() => {
      if (waiting()) this.#target.dispatchEvent(new Event("readable"));
    });
  }

  #soon(tell: () => void): void {
    if (this.#early && this.#link.turn !== this.#born) this.#begin();
    if (this.#early) this.#early.push(tell);
    else tell();
  }

  #begin(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const tell of early) tell();
  }

  #keep({ code, message }: WarningDetail): void {
    this.#warnings.push({ code, message });
    if (this.#warnings.length > MAX_WARNINGS) this.#warnings.shift();
  }
}

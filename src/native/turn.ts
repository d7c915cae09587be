/**
 * One process at a time. A file is the lock; who has it writes into it twice a second, so that it does not depend on process
 * ids, which are used again and mean nothing between containers, nor on clocks: who waits sees that the file no longer changes.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Milliseconds between two signs of life. */
const BEAT = 500;
/** Milliseconds without one after which the owner of a lock counts as gone. */
const GONE = 5000;
/** Milliseconds between two looks at the lock. */
const LOOK = 100;

/** What those who wait see of the one whose turn it is. */
export interface Turn {
  /** Grows while there is progress. */
  progress: number;
}

/** How long and for what one waits. */
export interface TurnOptions {
  /** Milliseconds without progress of the other that are waited for. */
  readonly timeout: number;
  /** Looks whether there is nothing to do any more. */
  isDone(): boolean;
  /** Told once, when there is something to wait for. */
  waits?(): void;
}

/**
 * Runs `work` when no other process does, or returns `undefined` when that was `isDone` by another.
 *
 * @throws {Error} When the file cannot be written; when the other makes no progress any more, a {@link WaitError}.
 */
export async function inTurn<T>(
  lock: string,
  options: TurnOptions,
  work: (turn: Turn) => Promise<T>,
): Promise<T | undefined> {
  const mine = randomUUID();
  if (!await claim(lock, mine, options)) return undefined;
  const turn = { progress: 0 };
  const beat = setInterval(() => sign(lock, mine, turn), BEAT);
  try {
    return await work(turn);
  } finally {
    clearInterval(beat);
    if (ownerOf(lock) === mine) rmSync(lock, { force: true });
  }
}

/** A process whose turn it is and that makes no progress. */
export class WaitError extends Error {}

/** Waits for the lock; whether it was got, and not what it is for. */
async function claim(
  lock: string,
  mine: string,
  { timeout, isDone, waits }: TurnOptions,
): Promise<boolean> {
  const seen = new Watch(lock);
  for (let told = false;; told = true) {
    if (isDone()) return false;
    if (create(lock, `${mine} 0`)) return true;
    seen.look();
    if (seen.unchanged >= GONE) {
      remove(lock, seen.content);
      continue;
    }
    if (seen.unprogressed >= timeout) {
      throw new WaitError("another process that fetches it makes no progress");
    }
    if (!told) waits?.();
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

/** Remembers since when a lock has not changed. */
class Watch {
  readonly #lock: string;
  #changed = performance.now();
  #progressed = performance.now();
  content = "";

  constructor(lock: string) {
    this.#lock = lock;
  }

  get unchanged(): number {
    return performance.now() - this.#changed;
  }

  get unprogressed(): number {
    return performance.now() - this.#progressed;
  }

  look(): void {
    const content = contentOf(this.#lock);
    if (content === this.content) return;
    const [owner, progress] = content.split(" ");
    const [before, progressBefore] = this.content.split(" ");
    this.#changed = performance.now();
    if (owner !== before || progress !== progressBefore) {
      this.#progressed = this.#changed;
    }
    this.content = content;
  }
}

/** Removes the lock of a process that is gone, unless another one has done so and has it now. */
function remove(lock: string, content: string): void {
  const aside = `${lock}-${randomUUID()}`;
  if (contentOf(lock) !== content) return;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  // Between the look and the renaming it may have become another's.
  if (contentOf(aside) !== content) renameSync(aside, lock);
  else rmSync(aside, { force: true });
}

/** Writes a sign of life into a lock that is still one's own. */
function sign(lock: string, mine: string, { progress }: Turn): void {
  if (ownerOf(lock) !== mine) return;
  const next = `${lock}-${mine}`;
  try {
    // Whoever reads the lock finds a whole line in it.
    writeFileSync(next, `${mine} ${progress} ${performance.now()}`);
    renameSync(next, lock);
  } catch {
    // A disk that is full now may have room at the next beat.
  }
}

function create(lock: string, content: string): boolean {
  try {
    writeFileSync(lock, content, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "EEXIST") return false;
    throw error;
  }
}

function contentOf(lock: string): string {
  try {
    return readFileSync(lock, "utf8");
  } catch {
    return "";
  }
}

function ownerOf(lock: string): string {
  return contentOf(lock).split(" ")[0];
}

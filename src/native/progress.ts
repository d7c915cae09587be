/**
 * What a program says on standard error while it brings its library: how far it is on a terminal, one line elsewhere.
 *
 * @module
 */

import process from "node:process";

/** Milliseconds between two lines about the progress. */
const PAUSE = 200;

/** Says a line. */
export function say(line: string): void {
  process.stderr.write(`@unaiverse/p2p: ${line}\n`);
}

/** A line that tells how much has come, and is gone in the end. */
export interface Progress {
  show(received: number): void;
  end(): void;
}

/** Says what is under way; on a terminal also how far it is. */
export function showProgress(what: string, bytes: number): Progress {
  const total = (bytes / 1e6).toFixed(1);
  if (process.stderr.isTTY !== true) {
    say(`${what} (${total} MB)`);
    return { show() {}, end() {} };
  }
  let last = -PAUSE;
  return {
    show(received) {
      if (performance.now() - last < PAUSE) return;
      last = performance.now();
      const come = (received / 1e6).toFixed(1);
      process.stderr.write(`\r${what}: ${come} of ${total} MB`);
    },
    end() {
      process.stderr.write("\r\x1b[K");
    },
  };
}

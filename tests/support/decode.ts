/**
 * What tests of hostile messages share: how long reading them takes.
 */
import { assert } from "@std/assert";
import process from "node:process";
import { P2PError } from "../../src/errors.ts";
import { decodeMessage } from "../../src/messages/mod.ts";
import { within } from "./hostile.ts";
import { encode } from "./wait.ts";

/** A hundred times what a message below takes, and a fraction of what it took when the time grew with the square of the size. */
const AT_ONCE = 5000;

/** Milliseconds that this process has worked, whatever else the machine does. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Reads a message, which must not take long: its content, or the code of the error. */
export function readAtOnce(bytes: Uint8Array): unknown {
  const start = cpuTime();
  try {
    return decodeMessage(bytes).content;
  } catch (error) {
    assert(error instanceof P2PError, String(error));
    return error.code;
  } finally {
    const took = cpuTime() - start;
    assert(took < AT_ONCE, `${took} ms`);
  }
}

/** A message of some JSON. */
export function json(text: string): Uint8Array {
  return within([7], encode(text));
}

/**
 * Waiting in tests: for an event, for messages, for a condition; always with a
 * deadline, never for a fixed time.
 */
import { assert, assertEquals, AssertionError } from "@std/assert";
import { setTimeout as delay } from "node:timers/promises";
import type { Message, P2P, P2PEventMap } from "../../mod.ts";

const DEADLINE = 20_000;

/** The next event of a type, or the next one that `where` accepts. */
export function once<T extends keyof P2PEventMap>(
  node: P2P,
  type: T,
  where: (event: P2PEventMap[T]) => boolean = () => true,
): Promise<P2PEventMap[T]> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      node.removeEventListener(type, listener);
    };
    const listener = (event: P2PEventMap[T]) => {
      if (!where(event)) return;
      end();
      resolve(event);
    };
    const timer = setTimeout(() => {
      end();
      reject(new AssertionError(`no "${type}" event within ${DEADLINE} ms`));
    }, DEADLINE);
    node.addEventListener(type, listener);
  });
}

/** The next messages of a node, in the order of their arrival. */
export async function take(node: P2P, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  const signal = AbortSignal.timeout(DEADLINE);
  try {
    for await (const message of node.messages({ signal })) {
      if (messages.push(message) === count) return messages;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  throw new AssertionError(`${messages.length} of ${count} messages came`);
}

/** Resolves with a promise, or fails when that takes longer than it may; `what` names it. */
export async function before<T>(
  deadline: number,
  promise: Promise<T>,
  what: string,
): Promise<T> {
  const ended = new AbortController();
  const { signal } = ended;
  try {
    return await Promise.race([
      promise,
      delay(deadline, undefined, { signal }).then(() => {
        throw new AssertionError(`not within ${deadline} ms: ${what}`);
      }),
    ]);
  } finally {
    ended.abort();
  }
}

/** Resolves once `condition` holds; `what` names it if it never does. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + DEADLINE;
  while (!await condition()) {
    if (performance.now() > end) {
      throw new AssertionError(`not within ${DEADLINE} ms: ${what}`);
    }
    await delay(5);
  }
}

/** Bytes that differ from one another, and from one seed to the next. */
export function bytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    result[i] = state >>> 24;
  }
  return result;
}

/** The bytes of a text. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** The text of some bytes. */
export function decode(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** Like assertEquals(), without comparing millions of bytes one by one. */
export function assertSameBytes(
  actual: Uint8Array,
  expected: Uint8Array,
): void {
  assertEquals(actual.length, expected.length);
  assert(
    actual.every((byte, index) => byte === expected[index]),
    "other bytes",
  );
}

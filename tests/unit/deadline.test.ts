// Who waits for a signal, and what that costs.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { bounded, onAbort, startCall, watch } from "../../src/deadline.ts";
import { Op } from "../../src/native/codec.ts";
import { P2P } from "../../src/p2p.ts";
import { withFake } from "./fake_binding.ts";

/** A signal that counts its listeners. */
function counted() {
  const abort = new AbortController();
  const { signal } = abort;
  const listeners = { now: 0, ever: 0 };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listeners.now++;
    listeners.ever++;
    addEventListener.apply(signal, args as never);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners.now--;
    removeEventListener.apply(signal, args as never);
  };
  return { abort, signal, listeners };
}

test("a signal is listened to once, however many wait for it, and by nobody when all have stopped", () => {
  const { signal, listeners } = counted();
  const calls = Array.from(
    { length: 100 },
    () => watch(startCall("wait", { signal }), () => {}),
  );
  assertEquals(listeners, { now: 1, ever: 1 });
  for (const stop of calls.splice(0, 99)) stop();
  assertEquals(listeners.now, 1);
  for (const stop of calls) stop();
  assertEquals(listeners.now, 0);
  watch(startCall("wait", { signal }), () => {})();
  assertEquals(listeners, { now: 0, ever: 2 });
});

test("all who wait for a signal are ended in their order, but for those who stop before their turn", () => {
  const { abort, signal, listeners } = counted();
  const ended: number[] = [];
  const stops = [0, 1, 2, 3, 4].map((n) =>
    onAbort(signal, () => {
      ended.push(n);
      stops[n]();
      if (n === 1) stops[3]();
    })
  );
  stops[0]();
  abort.abort();
  assertEquals(ended, [1, 2, 4]);
  assertEquals(listeners.now, 0);
});

test("who waits for a signal that has aborted is ended soon, unless it stops", async () => {
  const signal = AbortSignal.abort();
  const ended: string[] = [];
  onAbort(signal, () => ended.push("one"));
  onAbort(signal, () => ended.push("other"))();
  assertEquals(ended, []);
  await Promise.resolve();
  assertEquals(ended, ["one"]);
});

test("a call that ends in time leaves neither a listener nor a timer", async () => {
  const { signal, listeners } = counted();
  const timers = new Set<unknown>();
  const { setTimeout, clearTimeout } = globalThis;
  try {
    globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
      const timer = setTimeout(...args);
      timers.add(timer);
      return timer;
    }) as typeof setTimeout;
    globalThis.clearTimeout = ((timer: number) => {
      timers.delete(timer);
      clearTimeout(timer);
    }) as typeof clearTimeout;
    const call = startCall("wait", { signal, timeout: 60_000 });
    assertEquals(await bounded(Promise.resolve(5), call), 5);
    await assertRejects(() => bounded(Promise.reject(new Error("no")), call));
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
  assertEquals([listeners.now, timers.size], [0, 0]);
});

test("40,000 sends and requests that wait are given up at once", () =>
  withFake(async (fake) => {
    for (const op of [Op.OUTLET_OPEN, Op.ADDRESSES]) fake.manual.add(op);
    const node = await P2P.create({ identityDir: "./alice" });
    const { abort, signal, listeners } = counted();
    const data = new Uint8Array(1);
    const calls = [];
    for (let i = 0; i < 20_000; i++) {
      calls.push(node.sendMessageToPeer("self1::dm:bob-x", data, { signal }));
      calls.push(node.getNodeAddresses("bob", { signal }));
    }
    const ended = Promise.allSettled(calls);
    // With work that grows with the number of calls for each of them this is minutes, not seconds.
    const begin = performance.now();
    abort.abort();
    const rejected = (await ended).filter(({ status }) =>
      status === "rejected"
    );
    assertEquals(rejected.length, calls.length);
    assertEquals(performance.now() - begin < 5_000, true);
    assertEquals(listeners, { now: 0, ever: 1 });
    await node.close();
  }));

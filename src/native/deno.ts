/**
 * The native binding in Deno: `Deno.dlopen`, and a `net.Socket` that adopts the wake socket. No callbacks and no
 * non-blocking calls: both have crashed or cost more than the call itself.
 *
 * @module
 */

import { Socket } from "node:net";
import process from "node:process";
import type { NativeBinding, WakeSocket } from "./binding.ts";
import { wakeSocket } from "./socket.ts";

const SYMBOLS = {
  // uint32_t p2p_abi(void)
  p2p_abi: { parameters: [], result: "u32" },
  // int32_t p2p_open(uint32_t flags)
  p2p_open: { parameters: ["u32"], result: "i32" },
  // int32_t p2p_fd(int32_t link)
  p2p_fd: { parameters: ["i32"], result: "i32" },
  // int32_t p2p_wake(int32_t link, uint32_t port, const uint8_t *token, uint32_t len)
  p2p_wake: { parameters: ["i32", "u32", "buffer", "u32"], result: "i32" },
  // int32_t p2p_submit(int32_t link, const uint8_t *buf, uint32_t len)
  p2p_submit: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int32_t p2p_ring(int32_t link)
  p2p_ring: { parameters: ["i32"], result: "i32" },
  // int32_t p2p_drain(int32_t link, uint8_t *buf, uint32_t cap, int32_t wait)
  p2p_drain: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  // int32_t p2p_take(int32_t link, uint8_t *buf, uint32_t cap)
  p2p_take: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int32_t p2p_channel(int32_t link, uint32_t slot, const uint8_t *buf, uint32_t len)
  p2p_channel: { parameters: ["i32", "u32", "buffer", "u32"], result: "i32" },
  // int32_t p2p_outlet(int32_t link)
  p2p_outlet: { parameters: ["i32"], result: "i32" },
  // int32_t p2p_send(int32_t link, uint32_t outlet, uint32_t slot, const uint8_t *buf, uint32_t len)
  p2p_send: {
    parameters: ["i32", "u32", "u32", "buffer", "u32"],
    result: "i32",
  },
  // int32_t p2p_wait(int32_t link, uint32_t outlet, uint32_t below)
  p2p_wait: { parameters: ["i32", "u32", "u32"], result: "i32" },
  // int32_t p2p_close(int32_t link)
  p2p_close: { parameters: ["i32"], result: "i32" },
} as const;

/**
 * A Go library cannot be unloaded. On Linux it is marked so (`NODELETE`), and closing its handle only satisfies the resource
 * sanitizer of `Deno.test`.
 */
const UNLOADS = process.platform === "linux";
/** Each loading leaves 60 KB of garbage behind, so that a program which does it more often than tests do keeps the handle. */
const MAX_UNLOADS = 100;
let loads = 0;

type Bytes = Uint8Array<ArrayBuffer>;

/** Whether the program and its runtime are one executable (`deno compile`). */
export const compiled: boolean = Deno.build.standalone;

/** Loads the library at a path. */
export function load(path: string): Promise<NativeBinding> {
  const library = Deno.dlopen(path, SYMBOLS);
  const { symbols: c } = library;
  let closeLink = () => {};
  return Promise.resolve({
    runtime: `deno ${Deno.version.deno}`,
    openFlags: 1,
    abi: () => c.p2p_abi(),
    open: (flags) => c.p2p_open(flags),
    fd: (link) => c.p2p_fd(link),
    wake: (link, port, token, length) =>
      c.p2p_wake(link, port, token as Bytes, length),
    submit: (link, record, length) =>
      c.p2p_submit(link, record as Bytes, length),
    ring: (link) => c.p2p_ring(link),
    drain: (link, into, capacity, wait) =>
      c.p2p_drain(link, into as Bytes, capacity, wait),
    take: (link, into, capacity) => c.p2p_take(link, into as Bytes, capacity),
    channel: (link, slot, name, length) =>
      c.p2p_channel(link, slot, name as Bytes, length),
    outlet: (link) => c.p2p_outlet(link),
    send: (link, outlet, slot, payload, length) =>
      c.p2p_send(link, outlet, slot, payload as Bytes, length),
    wait: (link, outlet, below) => c.p2p_wait(link, outlet, below),
    close: (link) => c.p2p_close(link),
    adopt,
    onUnload: (close) => {
      closeLink = close;
      addEventListener("unload", close);
    },
    unload: UNLOADS && loads++ < MAX_UNLOADS
      ? () => {
        removeEventListener("unload", closeLink);
        library.close();
      }
      : undefined,
  });
}

/**
 * Whether a socket can read into one small buffer. The stream that it is else makes a buffer, an event and two turns of every
 * wake byte. Deno has that since 2.8.
 */
const READS_INTO_BUFFER = !Deno.version.deno.startsWith("2.7.");

function socketOf(fd: number, onWake: () => void): Socket {
  if (!READS_INTO_BUFFER) return new Socket({ fd }).on("data", onWake);
  const callback = () => {
    // What is thrown below this callback, by a listener for example, Deno reports as "null"; in a microtask as what it is.
    queueMicrotask(onWake);
    return true;
  };
  const onread = { buffer: new Uint8Array(64), callback };
  return new Socket({ fd, onread } as { fd: number });
}

function adopt(fd: number, onWake: () => void): WakeSocket {
  return wakeSocket(socketOf(fd, onWake));
}

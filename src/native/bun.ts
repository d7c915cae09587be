/**
 * The native binding in Bun: `bun:ffi`, and `Bun.connect`, which adopts the wake socket. A typed array is handed to each
 * call as it is: a pointer to it must not outlive the call.
 *
 * @module
 */

import process from "node:process";
import type { NativeBinding, WakeSocket } from "./binding.ts";

interface BunSocket {
  ref(): void;
  unref(): void;
  end(): void;
}

interface BunGlobal {
  connect(options: {
    fd: number;
    socket: {
      data(): void;
      close(): void;
      error(): void;
    };
  }): Promise<BunSocket>;
}

type Functions = Record<string, (...args: (number | Uint8Array)[]) => number>;

interface BunFfi {
  dlopen(path: string, symbols: unknown): { symbols: Functions };
}

const SYMBOLS = {
  // uint32_t p2p_abi(void)
  p2p_abi: { args: [], returns: "u32" },
  // int32_t p2p_open(uint32_t flags)
  p2p_open: { args: ["u32"], returns: "i32" },
  // int32_t p2p_fd(int32_t link)
  p2p_fd: { args: ["i32"], returns: "i32" },
  // int32_t p2p_wake(int32_t link, uint32_t port, const uint8_t *token, uint32_t len)
  p2p_wake: { args: ["i32", "u32", "ptr", "u32"], returns: "i32" },
  // int32_t p2p_submit(int32_t link, const uint8_t *buf, uint32_t len)
  p2p_submit: { args: ["i32", "ptr", "u32"], returns: "i32" },
  // int32_t p2p_ring(int32_t link)
  p2p_ring: { args: ["i32"], returns: "i32" },
  // int32_t p2p_drain(int32_t link, uint8_t *buf, uint32_t cap, int32_t wait)
  p2p_drain: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  // int32_t p2p_take(int32_t link, uint8_t *buf, uint32_t cap)
  p2p_take: { args: ["i32", "ptr", "u32"], returns: "i32" },
  // int32_t p2p_channel(int32_t link, uint32_t slot, const uint8_t *buf, uint32_t len)
  p2p_channel: { args: ["i32", "u32", "ptr", "u32"], returns: "i32" },
  // int32_t p2p_outlet(int32_t link)
  p2p_outlet: { args: ["i32"], returns: "i32" },
  // int32_t p2p_send(int32_t link, uint32_t outlet, uint32_t slot, const uint8_t *buf, uint32_t len)
  p2p_send: { args: ["i32", "u32", "u32", "ptr", "u32"], returns: "i32" },
  // int32_t p2p_wait(int32_t link, uint32_t outlet, uint32_t below)
  p2p_wait: { args: ["i32", "u32", "u32"], returns: "i32" },
  // int32_t p2p_close(int32_t link)
  p2p_close: { args: ["i32"], returns: "i32" },
};

/** Whether the program and its runtime are one executable (`bun build --compile`), whose files lie in a file system of its own. */
export const compiled: boolean = /\/(\$bunfs|~BUN)\//.test(import.meta.url);

/** Loads the library at a path. */
export async function load(path: string): Promise<NativeBinding> {
  const ffi = await import("bun:ffi") as unknown as BunFfi;
  const { symbols: c } = ffi.dlopen(path, SYMBOLS);
  return {
    runtime: `bun ${process.versions.bun}`,
    openFlags: 0,
    abi: () => c.p2p_abi(),
    open: (flags) => c.p2p_open(flags),
    fd: (link) => c.p2p_fd(link),
    wake: (link, port, token, length) => c.p2p_wake(link, port, token, length),
    submit: (link, record, length) => c.p2p_submit(link, record, length),
    ring: (link) => c.p2p_ring(link),
    drain: (link, into, capacity, wait) =>
      c.p2p_drain(link, into, capacity, wait),
    take: (link, into, capacity) => c.p2p_take(link, into, capacity),
    channel: (link, slot, name, length) =>
      c.p2p_channel(link, slot, name, length),
    outlet: (link) => c.p2p_outlet(link),
    send: (link, outlet, slot, payload, length) =>
      c.p2p_send(link, outlet, slot, payload, length),
    wait: (link, outlet, below) => c.p2p_wait(link, outlet, below),
    close: (link) => c.p2p_close(link),
    adopt,
    // A restart either keeps the isolate or begins with a fresh image: there is nothing to close behind its back.
    onUnload: () => {},
  };
}

async function adopt(fd: number, onWake: () => void): Promise<WakeSocket> {
  const { Bun } = globalThis as unknown as { Bun: BunGlobal };
  const closed = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    fd,
    socket: {
      data: onWake,
      close: () => closed.resolve(),
      error: () => {},
    },
  });
  return {
    ref: () => socket.ref(),
    unref: () => socket.unref(),
    close: () => {
      socket.end();
      return closed.promise;
    },
  };
}

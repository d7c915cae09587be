/**
 * The native binding in Node.js: `node:ffi`, and a `net.Socket` that adopts the wake socket. All functions
 * but the first go through `p2p_call`: a call with
 * one address takes 50 ns and no memory, one with five arguments microseconds and an array.
 *
 * @module
 */

import { Socket } from "node:net";
import process from "node:process";
import type { NativeBinding, WakeSocket } from "./binding.ts";
import { wakeSocket } from "./socket.ts";

interface Functions {
  p2p_abi(): number;
  p2p_call(address: bigint): number;
}

interface NodeFfi {
  dlopen(path: string, symbols: unknown): { functions: Functions };
  getRawPointer(memory: ArrayBuffer | Uint8Array): bigint;
}

const SYMBOLS = {
  // uint32_t p2p_abi(void)
  p2p_abi: { arguments: [], return: "uint32" },
  // int32_t p2p_call(const struct p2p_arguments *call)
  p2p_call: { arguments: ["pointer"], return: "int32" },
};

/** `P2P_CALL_*` of `go/bridge/bridge.h`. */
const Call = {
  OPEN: 1,
  FD: 2,
  WAKE: 3,
  SUBMIT: 4,
  RING: 5,
  DRAIN: 6,
  TAKE: 7,
  CHANNEL: 8,
  OUTLET: 9,
  SEND: 10,
  WAIT: 11,
  CLOSE: 12,
} as const;

/** The length of `struct p2p_arguments`. */
const ARGUMENTS_BYTES = 32;
/** Up to this size a payload is copied behind the arguments, which takes less time than asking for its address. */
const COPIED_BYTES = 4096;

/** Whether the program and its runtime are one executable (a "single executable application"). */
export const compiled: boolean =
  (builtin("node:sea") as { isSea(): boolean } | undefined)?.isSea() ?? false;

/** A builtin by name: an `import` of one that a bundler or another runtime does not know would be a fault there. */
function builtin(name: string): unknown {
  return process.getBuiltinModule?.(name);
}

/** Calls `p2p_call` with arguments in memory of its own, and behind them the payload if it is small. */
class Caller {
  readonly #ffi: NodeFfi;
  readonly #functions: Functions;
  readonly #words: Uint32Array;
  readonly #buffer: BigUint64Array;
  readonly #copy: Uint8Array;
  /** V8 never moves an `ArrayBuffer` of this size: its address holds as long as this object does. */
  readonly #address: bigint;
  readonly #copyAddress: bigint;

  constructor(ffi: NodeFfi, functions: Functions) {
    const memory = new ArrayBuffer(ARGUMENTS_BYTES + COPIED_BYTES);
    this.#ffi = ffi;
    this.#functions = functions;
    this.#words = new Uint32Array(memory, 0, ARGUMENTS_BYTES >> 2);
    this.#buffer = new BigUint64Array(memory, 16, 1);
    this.#copy = new Uint8Array(memory, ARGUMENTS_BYTES);
    this.#address = ffi.getRawPointer(memory);
    this.#copyAddress = this.#address + BigInt(ARGUMENTS_BYTES);
  }

  /** Names memory that the next call reads or writes where it is. */
  lend(memory: Uint8Array, length: number, wait = 0): this {
    this.#buffer[0] = this.#ffi.getRawPointer(memory);
    this.#words[6] = length;
    this.#words[7] = wait;
    return this;
  }

  /** Names bytes that the next call reads. */
  give(bytes: Uint8Array, length: number): this {
    if (length > COPIED_BYTES) return this.lend(bytes, length);
    this.#copy.set(bytes);
    this.#buffer[0] = this.#copyAddress;
    this.#words[6] = length;
    return this;
  }

  /** Calls; `last` is a slot, a bound, a port or flags. */
  call(name: number, link: number, outlet = 0, last = 0): number {
    const words = this.#words;
    words[0] = name;
    words[1] = link;
    words[2] = outlet;
    words[3] = last;
    return this.#functions.p2p_call(this.#address);
  }
}

/** Loads the library at a path. */
export function load(path: string): Promise<NativeBinding> {
  const ffi = builtin("node:ffi") as NodeFfi | undefined;
  if (ffi === undefined) {
    throw new Error("this Node.js has no node:ffi, or was told to have none");
  }
  const { functions } = ffi.dlopen(path, SYMBOLS);
  const c = new Caller(ffi, functions);
  return Promise.resolve({
    runtime: `node ${process.versions.node}`,
    openFlags: 0,
    abi: () => functions.p2p_abi(),
    open: (flags) => c.call(Call.OPEN, 0, 0, flags),
    fd: (link) => c.call(Call.FD, link),
    wake: (link, port, token, length) =>
      c.give(token, length).call(Call.WAKE, link, 0, port),
    submit: (link, record, length) =>
      c.lend(record, length).call(Call.SUBMIT, link),
    ring: (link) => c.call(Call.RING, link),
    drain: (link, into, capacity, wait) =>
      c.lend(into, capacity, wait).call(Call.DRAIN, link),
    take: (link, into, capacity) =>
      c.lend(into, capacity).call(Call.TAKE, link),
    channel: (link, slot, name, length) =>
      c.give(name, length).call(Call.CHANNEL, link, 0, slot),
    outlet: (link) => c.call(Call.OUTLET, link),
    send: (link, outlet, slot, payload, length) =>
      c.give(payload, length).call(Call.SEND, link, outlet, slot),
    wait: (link, outlet, below) => c.call(Call.WAIT, link, outlet, below),
    close: (link) => c.call(Call.CLOSE, link),
    adopt,
    // `node --watch` begins with a fresh process.
    onUnload: () => {},
  });
}

function adopt(fd: number, onWake: () => void): WakeSocket {
  const callback = () => {
    onWake();
    return true;
  };
  // The stream that the socket is else makes a buffer, an event and two turns of every wake byte.
  const onread = { buffer: new Uint8Array(64), callback };
  return wakeSocket(new Socket({ fd, onread } as { fd: number }));
}

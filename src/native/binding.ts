/**
 * The native library as TypeScript sees it: the C functions of `go/bridge/bridge.h`, and adopting a descriptor, which each
 * runtime does in its own way, in a file of its own (`runtimes.ts` has the table of them).
 *
 * @module
 */

/** The JS end of a link's wake socket: one byte arrives when records wait. */
export interface WakeSocket {
  /** Lets the socket keep the process alive. */
  ref(): void;
  /** Lets the process end although the socket is open. */
  unref(): void;
  /** Closes the socket; resolves when the runtime has let go of it. */
  close(): Promise<void>;
}

/** The C functions, one to one. Numbers are i32 or u32; every buffer is read or written within the call and not kept. */
export interface NativeBinding {
  /** Name and version for the identify agent, for example `deno 2.9.6`. */
  readonly runtime: string;
  /** Bit 0 of `p2p_open`: whether the runtime leaves an adopted descriptor open when its thread ends. */
  readonly openFlags: number;
  abi(): number;
  open(flags: number): number;
  fd(link: number): number;
  wake(link: number, port: number, token: Uint8Array, length: number): number;
  submit(link: number, record: Uint8Array, length: number): number;
  ring(link: number): number;
  drain(
    link: number,
    into: Uint8Array,
    capacity: number,
    wait: number,
  ): number;
  take(link: number, into: Uint8Array, capacity: number): number;
  channel(link: number, slot: number, name: Uint8Array, length: number): number;
  outlet(link: number): number;
  send(
    link: number,
    outlet: number,
    slot: number,
    payload: Uint8Array,
    length: number,
  ): number;
  wait(link: number, outlet: number, below: number): number;
  close(link: number): number;
  /** Adopts the descriptor and calls `onWake` whenever bytes arrive on it. */
  adopt(fd: number, onWake: () => void): WakeSocket | Promise<WakeSocket>;
  /** Calls `close` when this isolate is replaced while its thread lives on (a restart by a watcher). */
  onUnload(close: () => void): void;
  /** Gives the handle of the library back, where the runtime counts it as a leak; the library itself stays loaded. */
  unload?(): void;
}

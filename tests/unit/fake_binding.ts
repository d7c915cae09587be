/**
 * A native library made of TypeScript, for tests of what lies above `native/binding.ts`: it keeps the requests that it gets
 * and drains the records that a test posts.
 *
 * @module
 */

import type { NativeBinding, WakeSocket } from "../../src/native/binding.ts";
import { ABI, decodeJson, Kind, Op } from "../../src/native/codec.ts";
import { registry } from "../../src/native/registry.ts";

/** A request as it was submitted. */
export interface Submitted {
  op: number;
  id: number;
  handle: number;
  body: Uint8Array;
}

interface Outlet {
  frames: { channel: string; payload: Uint8Array }[];
  outstanding: number;
  waiting: boolean;
}

const DETACHED_FROM = 32 << 10;
const SLOTS = 4096;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class FakeBinding implements NativeBinding {
  readonly runtime = "fake 1.0";
  readonly openFlags = 0;
  readonly requests: Submitted[] = [];
  readonly calls: string[] = [];
  readonly outlets = new Map<number, Outlet>();
  readonly #records: { header: Uint8Array; body: Uint8Array }[] = [];
  readonly #slots = new Map<number, string>();
  /** What the program is kept alive by. */
  referenced = true;
  abiNumber = ABI;
  gone = false;
  /** Operations that the test answers itself. */
  readonly manual = new Set<number>();
  /** Whether streams to peers are limited by a relay. */
  limited = false;
  #detached?: Uint8Array;
  #armed = true;
  #nodes = 0;
  #onWake = () => {};
  #waiters: { op: number; resolve: (request: Submitted) => void }[] = [];

  abi = () => this.abiNumber;
  open = () => {
    this.calls.push("open");
    return 1;
  };
  fd = () => 3;
  wake = () => 0;
  ring = () => {
    this.calls.push("ring");
    return 0;
  };
  close = () => {
    this.calls.push("close");
    return 0;
  };
  onUnload = () => {};

  adopt = (_fd: number, onWake: () => void): WakeSocket => {
    this.#onWake = onWake;
    return {
      ref: () => void (this.referenced = true),
      unref: () => void (this.referenced = false),
      close: () => {
        this.calls.push("socket closed");
        return Promise.resolve();
      },
    };
  };

  submit = (_link: number, record: Uint8Array, length: number): number => {
    if (this.gone) return -1;
    const view = new DataView(record.buffer, record.byteOffset, length);
    const request = {
      op: view.getUint32(0, true),
      id: view.getUint32(4, true),
      handle: view.getUint32(8, true),
      body: record.slice(16, 16 + view.getUint32(12, true)),
    };
    this.requests.push(request);
    const waiter = this.#waiters.findIndex(({ op }) => op === request.op);
    if (waiter >= 0) this.#waiters.splice(waiter, 1)[0].resolve(request);
    if (!this.manual.has(request.op)) this.#answerItself(request);
    return 0;
  };

  drain = (
    _link: number,
    into: Uint8Array,
    capacity: number,
    _wait: number,
  ): number => {
    if (this.gone) return -1;
    this.calls.push("drain");
    let filled = 0;
    for (;;) {
      const record = this.#records[0];
      if (record === undefined) break;
      const { header, body } = record;
      const detached = body.length > DETACHED_FROM;
      const size = header.length + (detached ? 0 : (body.length + 7) & ~7);
      if (filled + size > capacity) break;
      this.#records.shift();
      into.set(header, filled);
      if (detached) {
        into[filled + 1] = 1;
        this.#detached = body;
        return filled + size;
      }
      into.set(body, filled + header.length);
      filled += size;
    }
    if (filled === 0) this.#armed = true;
    return filled;
  };

  take = (_link: number, into: Uint8Array, capacity: number): number => {
    const body = this.#detached;
    if (body === undefined || capacity < body.length) return -4;
    this.#detached = undefined;
    into.set(body);
    return body.length;
  };

  channel = (_link: number, slot: number, name: Uint8Array): number => {
    if (slot >= SLOTS) return -4;
    this.#slots.set(slot, decoder.decode(name));
    return 0;
  };

  outlet = (): number => {
    const handle = this.outlets.size + 1;
    this.outlets.set(handle, { frames: [], outstanding: 0, waiting: false });
    return handle;
  };

  send: NativeBinding["send"] = (_link, handle, slot, payload) => {
    if (this.gone) return -1;
    const outlet = this.outlets.get(handle)!;
    const channel = this.#slots.get(slot)!;
    outlet.frames.push({ channel, payload: payload.slice() });
    return outlet.outstanding += payload.length;
  };

  wait = (_link: number, handle: number, below: number): number => {
    if (this.gone) return -1;
    const outlet = this.outlets.get(handle)!;
    if (outlet.outstanding < below) return 1;
    outlet.waiting = true;
    if (outlet.outstanding === 0) this.#room(handle, outlet);
    return 0;
  };

  /** Lets the stream of an outlet take what is outstanding. */
  written(handle: number): void {
    const outlet = this.outlets.get(handle)!;
    outlet.outstanding = 0;
    this.#room(handle, outlet);
  }

  #room(handle: number, outlet: Outlet): void {
    if (outlet.waiting) this.post(Kind.ROOM, handle, 0);
    outlet.waiting = false;
  }

  /** The next request of an operation, or the first that has come already. */
  request(op: number): Promise<Submitted> {
    const known = this.requests.find((request) => request.op === op);
    if (known) return Promise.resolve(known);
    const { promise, resolve } = Promise.withResolvers<Submitted>();
    this.#waiters.push({ op, resolve });
    return promise;
  }

  /** Answers a request. */
  answer(id: number, value?: unknown, failed = false): void {
    const body = value === undefined ? "" : JSON.stringify(value);
    this.post(Kind.ANSWER, id, failed ? 1 : 0, encoder.encode(body));
  }

  /** Posts an event of a node. */
  event(node: number, event: Record<string, unknown>): void {
    this.post(Kind.EVENT, node, 0, encoder.encode(JSON.stringify(event)));
  }

  /** Posts a message. */
  message(inlet: number, channel: string, data: Uint8Array): void {
    this.post(Kind.CHANNEL, 0, 0, encoder.encode(channel), 5);
    this.post(Kind.MESSAGE, inlet, 0, data, 5);
  }

  /** Posts a record. */
  post(
    kind: number,
    a: number,
    b: number,
    body: Uint8Array = new Uint8Array(0),
    slot = 0,
  ): void {
    const header = new Uint8Array(24);
    const view = new DataView(header.buffer);
    view.setUint8(0, kind);
    view.setUint16(2, slot, true);
    view.setUint32(4, body.length, true);
    view.setUint32(8, a, true);
    view.setUint32(12, b, true);
    view.setFloat64(16, kind === Kind.MESSAGE ? 1000 : 0, true);
    this.#records.push({ header, body });
    if (this.#armed) this.fire();
  }

  /** Lets the wake socket fire. */
  fire(): void {
    this.#armed = false;
    setTimeout(() => this.#onWake(), 0);
  }

  #answerItself({ op, id }: Submitted): void {
    const node = ++this.#nodes;
    if (op === Op.CREATE) {
      const peerId = `self${node}`;
      this.answer(id, { node, peerId, addresses: [], isPublic: null });
    } else if (op === Op.OUTLET_OPEN) {
      this.answer(id, { limited: this.limited });
    } else if (id > 0) this.answer(id);
  }
}

/** Runs a test on a fake library. */
export async function withFake(
  test: (fake: FakeBinding) => Promise<void>,
): Promise<void> {
  const shared = registry();
  const { binding, link } = shared;
  const fake = new FakeBinding();
  shared.binding = Promise.resolve(fake);
  shared.link = undefined;
  try {
    await test(fake);
  } finally {
    await shared.closing;
    shared.binding = binding;
    shared.link = link;
  }
}

/** A request's JSON body. */
export function json(request: Submitted): Record<string, unknown> {
  return decodeJson(request.body) as Record<string, unknown>;
}

/** Resolves with the next event of a type. */
export function once<T = unknown>(
  target: EventTarget,
  type: string,
): Promise<CustomEvent<T>> {
  return new Promise((resolve) =>
    target.addEventListener(
      type,
      (event) => resolve(event as CustomEvent<T>),
      { once: true },
    )
  );
}

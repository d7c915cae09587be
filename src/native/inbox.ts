/**
 * Records on their way in: drained into a slab, taken apart, and handed to the request, node, inlet or outlet that they are
 * for, strictly in their order.
 *
 * @module
 */

import { reportUncaught } from "../errors.ts";
import type { LogRecord } from "../settings.ts";
import type { NativeBinding } from "./binding.ts";
import { decodeJson, decodeText, Kind, RecordReader } from "./codec.ts";
import type { LibraryEvent, NodeEvent } from "./events.ts";
import { settingsInUse, warn } from "./registry.ts";
import type { Requests } from "./requests.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Where the events of a node go. */
export interface NodeSink {
  event(event: NodeEvent): void;
  /** The link is gone, and the node with it. */
  lost(reason: string): void;
  close(timeout?: number, signal?: AbortSignal): Promise<string>;
}

/** Where the messages of an inlet go. */
export interface InletSink {
  /** Whether a payload may be a view of the slab. */
  readonly shared: boolean;
  /** Whether its messages come from the peer itself, not over a topic. */
  readonly direct: boolean;
  receive(channel: string, data: Bytes, time: number): void;
}

/** Who sends through an outlet. */
export interface OutletSink {
  /** There is room again. */
  room(): void;
  /** From now on a relay bounds what can be sent, or not. */
  limit(limited: boolean): void;
  /** What was accepted could not be sent; says how many messages the program has been told of. */
  down(error: OutletError): number;
}

/** Why an outlet is down. */
export interface OutletError {
  code: string;
  message: string;
}

const SLAB_BYTES = 256 << 10;
/** The least that `p2p_drain` fills. */
const LEAST_ROOM = 64 << 10;

/** The receiving half of a link. */
export class Inbox {
  readonly nodes: Map<number, NodeSink> = new Map();
  readonly inlets: Map<number, InletSink> = new Map();
  readonly outlets: Map<number, OutletSink> = new Map();

  /** Whether direct messages were among what was drained last. */
  direct = false;

  readonly #requests: Requests;
  readonly #reader = new RecordReader();
  /** What is drained into: a whole slab, or what views that were handed out have left of it. */
  #room = new Uint8Array(SLAB_BYTES);
  /** Views of what was drained last were handed out. */
  #lent = false;
  readonly #channels: string[] = [];

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Drains once and hands on what came; returns the bytes, 0 when nothing waits even after `wait`, or the negative answer of the library. */
  drain(binding: NativeBinding, link: number, wait: number): number {
    this.direct = false;
    // A program that transferred the buffer of a shared view has taken the slab away.
    if (this.#room.length === 0) this.#room = new Uint8Array(SLAB_BYTES);
    const room = this.#room;
    const drained = binding.drain(link, room, room.length, wait);
    if (drained <= 0) return drained;
    const reader = this.#reader;
    let bytes = drained;
    reader.begin(room, drained);
    while (reader.next()) {
      let taken: Bytes | undefined;
      if (reader.detached) {
        taken = new Uint8Array(reader.length);
        const length = binding.take(link, taken, reader.length);
        if (length < 0) return length;
        bytes += length;
      }
      try {
        this.#record(room, taken);
      } catch (error) {
        // What is wrong with one record, or with the program's logger, must not lose those behind it.
        reportUncaught(error);
      }
    }
    if (this.#lent) this.#leave(drained);
    return bytes;
  }

  #message(room: Bytes, start: number, length: number): void {
    const { slot, a, time } = this.#reader;
    const inlet = this.inlets.get(a);
    // What comes for an inlet that has just been closed is let go.
    if (inlet === undefined) return;
    const { shared, direct } = inlet;
    if (direct) this.direct = true;
    if (shared) this.#lent = true;
    const data = shared
      ? room.subarray(start, start + length)
      : room.slice(start, start + length);
    inlet.receive(this.#channels[slot], data, time);
  }

  /** Leaves what was drained to those who have views of it. */
  #leave(drained: number): void {
    this.#lent = false;
    const left = this.#room.length - drained;
    this.#room = left < LEAST_ROOM
      ? new Uint8Array(SLAB_BYTES)
      : this.#room.subarray(drained);
  }

  /** Hands on a record whose body is in the slab, or was taken. */
  #record(room: Bytes, taken?: Bytes): void {
    const { kind, slot, start, length, a, b, time } = this.#reader;
    if (kind === Kind.MESSAGE && taken === undefined) {
      return this.#message(room, start, length);
    }
    const body = taken ?? room.subarray(start, start + length);
    switch (kind) {
      case Kind.MESSAGE:
        return this.inlets.get(a)?.receive(this.#channels[slot], body, time);
      case Kind.CHANNEL:
        this.#channels[slot] = decodeText(body);
        return;
      case Kind.ROOM:
        return this.outlets.get(a)?.room();
      case Kind.ANSWER:
        return this.#requests.answer(a, b !== 0, decodeJson(body));
      case Kind.EVENT:
        if (a === 0) {
          return this.#libraryEvent(decodeJson(body) as LibraryEvent);
        }
        return this.nodes.get(a)?.event(decodeJson(body) as NodeEvent);
    }
  }

  #libraryEvent(event: LibraryEvent): void {
    if (event.type === "warning") return warn(event.message);
    const { type: _, ...record } = event;
    settingsInUse().logger?.(record as LogRecord);
  }
}

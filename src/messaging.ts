/**
 * Direct messages on their way out: one outlet a peer, with back-pressure. A message is accepted once it lies in the window
 * of an open stream; what finds no room waits here, in order, with a copy of its bytes.
 *
 * @module
 */

import { type Destination, parseDestination } from "./channel.ts";
import { type Call, watch } from "./deadline.ts";
import { Deque } from "./deque.ts";
import { P2PError, type P2PErrorCode } from "./errors.ts";
import { encodeJson, Op } from "./native/codec.ts";
import type { OutletError, OutletSink } from "./native/inbox.ts";
import type { Link } from "./native/link.ts";
import type { Slot } from "./native/slots.ts";

/** How many bytes may be outstanding to a peer; a quarter of it would halve the speed. */
const WINDOW_BYTES = 4 << 20;
/** How many channels are remembered with the peer and the slot that they mean. */
const MAX_ROUTES = 4096;
const ACCEPTED = Promise.resolve();
const CALL: Call = { operation: "sendMessageToPeer" };

/** What a channel means. */
interface Route extends Destination {
  outlet: Outlet;
  slot: Slot;
}

/** The sending half of one node. */
export class Outlets {
  readonly #link: Link;
  readonly #node: number;
  readonly #self: string;
  readonly #maxMessageSize: number;
  readonly #routes = new Map<string, Route>();
  readonly #peers = new Map<string, Outlet>();

  constructor(link: Link, node: number, self: string, maxMessageSize: number) {
    this.#link = link;
    this.#node = node;
    this.#self = self;
    this.#maxMessageSize = maxMessageSize;
  }

  /** Sends a message; the promise resolves when it lies in the window. */
  send(channel: string, payload: Uint8Array, call?: Call): Promise<void> {
    const route = this.#routes.get(channel) ?? this.#addRoute(channel);
    const { length } = payload;
    if (length === 0) {
      throw new RangeError("data must not be empty: the frame cannot carry it");
    }
    if (1 + route.bytes.length + length > this.#maxMessageSize) {
      throw new RangeError(
        `channel and data must not exceed ${this.#maxMessageSize} bytes ` +
          `(maxMessageSize), got ${1 + route.bytes.length + length}`,
      );
    }
    if (route.outlet.closed) route.outlet = this.#outlet(route.peer);
    return route.outlet.send(route, payload, call);
  }

  /** Refuses what waits, after handing over what there is room for, if the node can still send it. */
  close(handOver: boolean): void {
    for (const outlet of [...this.#peers.values()]) outlet.close(handOver);
  }

  #addRoute(channel: string): Route {
    const { peer, bytes } = parseDestination(channel);
    if (peer === this.#self) {
      throw new P2PError("PEER_SELF", "a node cannot send to itself", {
        operation: CALL.operation,
        peerId: peer,
      });
    }
    if (this.#routes.size >= MAX_ROUTES) {
      const [oldest] = this.#routes.keys();
      this.#routes.delete(oldest);
    }
    const slot = this.#link.slots.take(bytes);
    const route = { peer, bytes, slot, outlet: this.#outlet(peer) };
    this.#routes.set(channel, route);
    return route;
  }

  #outlet(peer: string): Outlet {
    let outlet = this.#peers.get(peer);
    if (outlet === undefined) {
      const forget = () => this.#peers.delete(peer);
      outlet = new Outlet(this.#link, this.#node, peer, forget);
      this.#peers.set(peer, outlet);
    }
    return outlet;
  }
}

/** A message that waits for room. */
interface Parked {
  readonly route: Route;
  readonly payload: Uint8Array;
  /** Ends the sender's wait. */
  settle(error?: unknown): void;
}

/** The queue towards one peer. A closed one is replaced by the next message to the peer. */
class Outlet implements OutletSink {
  readonly #link: Link;
  readonly #node: number;
  readonly #peer: string;
  readonly #forget: () => void;
  readonly #parked = new Deque<Parked>();
  /** A relay bounds what can be sent: one message at a time goes, and is accepted once it was written. */
  #limited = false;
  #underWay?: Parked;
  #state: "idle" | "opening" | "open" | "full" | "closed" = "idle";
  #handle = 0;
  #opening?: AbortController;

  constructor(link: Link, node: number, peer: string, forget: () => void) {
    this.#link = link;
    this.#node = node;
    this.#peer = peer;
    this.#forget = forget;
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  send(route: Route, payload: Uint8Array, call: Call = CALL): Promise<void> {
    const atOnce = this.#state === "open" && !this.#limited;
    if (atOnce && this.#admits(payload.length)) {
      this.#append(route, payload);
      return ACCEPTED;
    }
    const parked = this.#park(route, payload, call);
    if (this.#state === "idle") this.#open();
    else this.#goOn();
    return parked;
  }

  room(): void {
    if (this.#state !== "full") return;
    this.#state = "open";
    this.#settle();
    this.#goOn();
  }

  limit(limited: boolean): void {
    this.#limited = limited;
    this.#goOn();
  }

  /** With messages waiting the stream is opened once more; without, the outlet is given back unless Go still works on it. */
  down({ code, message }: OutletError): number {
    if (this.#state === "opening") return 0;
    const told = this.#settle(
      new P2PError(code as P2PErrorCode, message, {
        operation: CALL.operation,
        peerId: this.#peer,
      }),
    );
    // A relay that lets this message not through may still take a smaller one, which goes when `room` is called.
    if (code === "RELAY_LIMIT") this.#goOn();
    else if (this.#parked.length > 0) this.#open();
    else if (this.#hasRoom(1)) this.#end();
    return told;
  }

  /** Closing the node sends what the outlet holds and gives the outlet back. */
  close(handOver: boolean): void {
    if (handOver) this.#goOn();
    this.#link.outlets.delete(this.#handle);
    this.#handle = 0;
    this.#end(
      new P2PError("CLOSED", "the node was closed before this was sent", {
        operation: CALL.operation,
        peerId: this.#peer,
      }),
    );
  }

  async #open(): Promise<void> {
    this.#state = "opening";
    this.#opening = new AbortController();
    try {
      this.#handle ||= this.#link.openOutlet(this);
      const { signal } = this.#opening;
      await this.#link.request({ ...CALL, signal }, {
        op: Op.OUTLET_OPEN,
        node: this.#node,
        body: encodeJson({ outlet: this.#handle, peer: this.#peer }),
        peerId: this.#peer,
        accept: (answer) => {
          this.#limited = (answer as { limited: boolean }).limited;
          this.#state = "open";
          this.#goOn();
        },
      });
    } catch (error) {
      this.#end(error);
    }
  }

  #end(error?: unknown): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#forget();
    this.#opening?.abort();
    if (this.#handle > 0) this.#link.closeOutlet(this.#handle);
    this.#settle(error);
    while (this.#parked.length > 0) this.#parked.shift()!.settle(error);
  }

  /** Appends to the window; the caller has seen that there is room. */
  #append(route: Route, payload: Uint8Array): void {
    if (route.slot.index < 0) route.slot = this.#link.slots.take(route.bytes);
    const { index } = route.slot;
    const outstanding = this.#link.send(this.#handle, index, payload);
    if (outstanding >= WINDOW_BYTES) this.#hasRoom(WINDOW_BYTES / 2);
  }

  /** A message larger than the window goes alone. */
  #admits(length: number): boolean {
    return length < WINDOW_BYTES || this.#hasRoom(1);
  }

  /** Whether there is room; if not, nothing goes on until the link says so. */
  #hasRoom(below: number): boolean {
    if (this.#link.hasRoom(this.#handle, below)) return true;
    this.#state = "full";
    return false;
  }

  #goOn(): void {
    while (this.#state === "open") {
      const parked = this.#parked.first;
      if (parked === undefined || !this.#admits(parked.payload.length)) return;
      if (this.#limited && !this.#hasRoom(1)) return;
      this.#parked.shift();
      try {
        this.#append(parked.route, parked.payload);
      } catch (error) {
        parked.settle(error);
        continue;
      }
      if (this.#limited) {
        this.#underWay = parked;
        this.#hasRoom(0); // There will be, and `room` is called when Go has said whether it went.
      } else {
        parked.settle();
      }
    }
  }

  /** Ends the wait of the message that is under way over a limited path; says for how many that was. */
  #settle(error?: unknown): number {
    const parked = this.#underWay;
    if (parked === undefined) return 0;
    this.#underWay = undefined;
    parked.settle(error);
    return 1;
  }

  #park(route: Route, payload: Uint8Array, call: Call): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const parked: Parked = {
      route,
      payload: payload.slice(),
      settle: (error) => {
        stop();
        if (error === undefined) resolve();
        else reject(error);
      },
    };
    const stop = watch(call, (reason) => {
      this.#parked.filter((other) => other !== parked);
      parked.settle(reason);
      if (this.#state === "opening" && this.#parked.length === 0) this.#end();
    });
    this.#parked.push(parked);
    return promise;
  }
}

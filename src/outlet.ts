/**
 * The queue towards one peer, with back-pressure. A message is accepted once it lies in the window of an open stream; what
 * finds no room waits here, in order, with a copy of its bytes.
 *
 * @module
 */

import { copyBytes } from "./arguments.ts";
import { type Call, watch } from "./deadline.ts";
import { callSite, P2PError, type P2PErrorCode, traced } from "./errors.ts";
import { Line } from "./line.ts";
import { encodeJson, Op } from "./native/codec.ts";
import type { OutletError, OutletSink } from "./native/inbox.ts";
import type { Link } from "./native/link.ts";
import type { Slot } from "./native/slots.ts";

/** How many bytes may be outstanding to a peer; a quarter of it would halve the speed. */
const WINDOW_BYTES = 4 << 20;
const ACCEPTED = Promise.resolve();
const CALL: Call = { operation: "sendMessageToPeer" };
const NOTHING = new Uint8Array(0);

/** What a channel means for the outlet that its messages go through. */
export interface Addressed {
  bytes: Uint8Array;
  slot: Slot;
}

/** A message that waits for room, or, without bytes, somebody who waits for the same room as it would. */
interface Parked {
  readonly to?: Addressed;
  readonly payload: Uint8Array;
  /** How much room it needs, in bytes. */
  readonly needs: number;
  /** Ends the sender's wait. */
  settle(error?: unknown): void;
}

/** The queue towards one peer. A closed one is replaced by the next message to the peer. */
export class Outlet implements OutletSink {
  readonly #link: Link;
  readonly #node: number;
  readonly #peer: string;
  readonly #forget: () => void;
  /** What has to be over before the peer is dialled: the program disconnects from it. */
  readonly #after?: Promise<unknown>;
  readonly #parked = new Line<Parked>();
  /** A relay bounds what can be sent: one message at a time goes, and is accepted once it was written. */
  #limited = false;
  #underWay?: Parked;
  /**
   * `down`: the native side has no path and has given up what it held; what is sent now waits for one. A `closed` outlet is
   * replaced by the next message.
   */
  #state: "idle" | "opening" | "open" | "full" | "down" | "closed" = "idle";
  #handle = 0;
  #opening?: AbortController;

  constructor(
    link: Link,
    node: number,
    peer: string,
    forget: () => void,
    after?: Promise<unknown>,
  ) {
    this.#link = link;
    this.#node = node;
    this.#peer = peer;
    this.#forget = forget;
    this.#after = after;
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  /** Whether a relay bounds what can be sent, so that a message is accepted later than `offer` could say. */
  get limited(): boolean {
    return this.#limited;
  }

  /** Sends a message; the promise resolves when it was accepted. */
  send(
    to: Addressed,
    payload: Uint8Array,
    length: number,
    call: Call = CALL,
  ): Promise<void> {
    if (this.offer(to, payload, length)) return ACCEPTED;
    const parked = { to, payload: copyBytes(payload), needs: length };
    return this.#park(parked, call);
  }

  /** Sends a message if it can be accepted at once; one that cannot is not taken. */
  offer(to: Addressed, payload: Uint8Array, length: number): boolean {
    if (this.#state !== "open" || this.#limited) return false;
    if (!this.#admits(length)) return false;
    this.#append(to, payload, length);
    return true;
  }

  /** Resolves when a message can be accepted, opening the stream where that is needed. */
  ready(): Promise<void> {
    if (this.#state === "open" && !this.#limited) return ACCEPTED;
    return this.#park({ payload: NOTHING, needs: 0 }, CALL);
  }

  /** Resolves when nothing is outstanding any more: it was written, or told by a `drop` event. */
  flushed(call: Call = CALL): Promise<void> {
    if (this.#state === "idle" || this.closed) return ACCEPTED;
    return this.#park({ payload: NOTHING, needs: WINDOW_BYTES }, call);
  }

  room(): void {
    if (this.#state === "down") return this.#end();
    if (this.#state !== "full") return;
    this.#state = "open";
    this.#settle();
    this.#goOn();
  }

  limit(limited: boolean): void {
    this.#limited = limited;
    this.#goOn();
  }

  /** With messages waiting a path is searched once more; without, the outlet is given back as soon as nothing of it is outstanding. */
  down({ code, message }: OutletError): number {
    if (this.#state === "opening" || this.closed) return 0;
    const told = this.#settle(
      new P2PError(code as P2PErrorCode, message, {
        operation: CALL.operation,
        peerId: this.#peer,
      }),
    );
    // A relay that lets this message not through may still take a smaller one, which goes when `room` is called.
    if (code === "RELAY_LIMIT") {
      this.#goOn();
      return told;
    }
    while (
      this.#parked.first?.needs === WINDOW_BYTES && !this.#parked.first.to
    ) {
      this.#parked.shift()!.settle(); // It waited for the end of what is given up.
    }
    this.#state = "down";
    if (this.#parked.length > 0) this.#open();
    else this.#link.hasRoom(this.#handle, 0); // `room` is called in any case.
    return told;
  }

  /** The program disconnects from the peer: what was accepted is left to the native side, the rest refused. */
  leave(): void {
    this.#end(
      new P2PError(
        "STREAM_FAILED",
        "disconnectFrom was called before this was sent",
        { operation: CALL.operation, peerId: this.#peer },
      ),
    );
  }

  /** Closing the node sends what the outlet holds and gives the outlet back. */
  close(handOver: boolean): void {
    // There may be room of which `room` has not been told yet; over a limited circuit that would say more than is known.
    const waits = handOver && this.#state === "full" && !this.#limited;
    if (waits && this.#hasRoom(WINDOW_BYTES / 2)) this.room();
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
      if (this.#handle === 0) await this.#after;
      if (this.closed) return;
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
  #append(to: Addressed, payload: Uint8Array, length: number): void {
    if (to.slot.index < 0) to.slot = this.#link.slots.take(to.bytes);
    const { index } = to.slot;
    const outstanding = this.#link.send(this.#handle, index, payload, length);
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
      if (parked === undefined || !this.#admits(parked.needs)) return;
      if (this.#limited && !this.#hasRoom(1)) return;
      this.#parked.shift();
      if (parked.to === undefined) {
        parked.settle();
        continue;
      }
      try {
        this.#append(parked.to, parked.payload, parked.needs);
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

  #park(what: Omit<Parked, "settle">, call: Call): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const parked: Parked = {
      ...what,
      settle: (error) => {
        stop();
        if (error === undefined) resolve();
        else reject(error);
      },
    };
    const stop = watch(call, (reason) => {
      this.#parked.leave(place);
      parked.settle(reason);
      if (this.#state === "opening" && this.#parked.length === 0) this.#end();
    });
    const place = this.#parked.push(parked);
    if (this.#state === "idle" || this.#state === "down") this.#open();
    else this.#goOn();
    return traced(promise, callSite(true));
  }
}

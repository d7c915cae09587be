/**
 * Direct messages on their way out: which peer and which outlet a channel means.
 *
 * @module
 */

import { byteLengthOf } from "./arguments.ts";
import { type Destination, parseDestination } from "./channel.ts";
import type { Call, CallOptions } from "./deadline.ts";
import { P2PError } from "./errors.ts";
import type { Link } from "./native/link.ts";
import { type Addressed, Outlet } from "./outlet.ts";
import { checkPeerId, isSamePeer } from "./peer_id.ts";
import { Recent } from "./recent.ts";

/** How many channels are remembered with the peer and the slot that they mean. */
export const MAX_ROUTES = 4096;

/** Options of `send`. */
export interface SendOptions extends CallOptions {
  /**
   * What the message is about: any text, as long as the channel that it becomes part of (about 120 bytes and this) does not
   * exceed 255 bytes of UTF-8. The receiver may take messages by it: `messages({ topic })`. Default `"misc"`.
   */
  topic?: string;
}

/** What a channel means. */
export interface Route extends Omit<Destination, "from">, Addressed {
  outlet: Outlet;
}

/** The sending half of one node. */
export class Outlets {
  readonly #link: Link;
  readonly #node: number;
  readonly #self: string;
  readonly #maxMessageSize: number;
  readonly #verifyChannels: boolean;
  readonly #routes = new Recent<string, Route>(MAX_ROUTES);
  /** By peer id, in its one spelling: two queues to one peer would lose the order. */
  readonly #peers = new Map<string, Outlet>();
  /** Peers that the program is disconnecting from, until that is done. */
  readonly #leaving = new Map<string, Promise<unknown>>();
  #closed = false;

  constructor(
    link: Link,
    node: number,
    self: string,
    maxMessageSize: number,
    verifyChannels: boolean,
  ) {
    this.#link = link;
    this.#node = node;
    this.#self = self;
    this.#maxMessageSize = maxMessageSize;
    this.#verifyChannels = verifyChannels;
  }

  /** Sends a message; the promise resolves when it lies in the window. */
  send(channel: string, payload: Uint8Array, call?: Call): Promise<void> {
    const route = this.#routes.get(channel) ?? this.#addRoute(channel);
    const length = this.check(route, payload);
    return this.outletOf(route).send(route, payload, length, call);
  }

  /** Of how many channels it is remembered where they lead. */
  get routes(): number {
    return this.#routes.size;
  }

  /** Where a channel leads, for one who goes on sending to it. */
  route(channel: string): Route {
    return { ...this.#routes.get(channel) ?? this.#addRoute(channel) };
  }

  /** The outlet of a route, a new one if the last was closed. */
  outletOf(route: Route): Outlet {
    if (route.outlet.closed) route.outlet = this.#outlet(route.peer);
    return route.outlet;
  }

  /** The length of a payload; refuses one that no frame can carry. */
  check({ bytes }: Route, payload: Uint8Array): number {
    const length = byteLengthOf(payload);
    if (length === 0) {
      throw new RangeError("data must not be empty: the frame cannot carry it");
    }
    const size = 1 + bytes.length + length;
    if (size > this.#maxMessageSize) {
      throw new RangeError(
        `channel and data must not exceed ${this.#maxMessageSize} bytes ` +
          `(maxMessageSize), got ${size}`,
      );
    }
    return length;
  }

  /**
   * Disconnects from a peer by `request`. What was not accepted yet is refused, and what is sent from now on waits until the
   * peer is disconnected, and dials it again then.
   */
  disconnect<T>(peer: string, request: () => Promise<T>): Promise<T> {
    this.#peers.get(peer)?.leave();
    const asked = request();
    const over = Promise.allSettled([this.#leaving.get(peer), asked]);
    this.#leaving.set(peer, over);
    over.then(() => {
      if (this.#leaving.get(peer) === over) this.#leaving.delete(peer);
    });
    return asked;
  }

  /** Refuses what waits, after handing over what there is room for, if the node can still send it. */
  close(handOver: boolean): void {
    this.#closed = true;
    for (const outlet of [...this.#peers.values()]) outlet.close(handOver);
  }

  #addRoute(channel: string): Route {
    const { from, peer, bytes } = parseDestination(channel);
    if (this.#verifyChannels) this.#checkSender(from);
    const about = { operation: "sendMessageToPeer", peerId: peer };
    if (peer === this.#self) {
      throw new P2PError("PEER_SELF", "a node cannot send to itself", about);
    }
    checkPeerId("sendMessageToPeer", "the receiver in the channel", peer);
    const slot = this.#link.slots.take(bytes);
    const route = { peer, bytes, slot, outlet: this.#outlet(peer) };
    this.#routes.set(channel, route);
    return route;
  }

  /** The receiver would refuse what names another sender, and this node would not hear of it. */
  #checkSender(from: string): void {
    if (isSamePeer(from, this.#self)) return;
    throw new RangeError(
      `channel must begin with the peer id of this node, "${this.#self}", ` +
        `got "${from}" (option verifyChannels)`,
    );
  }

  #outlet(peer: string): Outlet {
    if (this.#closed) {
      throw new P2PError("CLOSED", "the node is closed", {
        operation: "sendMessageToPeer",
      });
    }
    let outlet = this.#peers.get(peer);
    if (outlet === undefined) {
      const forget = () => this.#peers.delete(peer);
      const after = this.#leaving.get(peer);
      outlet = new Outlet(this.#link, this.#node, peer, forget, after);
      this.#peers.set(peer, outlet);
    }
    return outlet;
  }
}

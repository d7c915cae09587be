/**
 * `node.sender(channel)`: sending without a promise a message.
 *
 * @module
 */

import { checkBytes } from "./arguments.ts";
import { P2PError } from "./errors.ts";
import type { MessageData } from "./mailbox.ts";
import type { Outlets, Route } from "./messaging.ts";

/**
 * Sends to one channel as fast as it takes messages, like the writer of a stream. `send` says at once whether a message
 * was accepted; when it was not, `ready` tells when to try again. Messages of a sender and of `sendMessageToPeer` to one
 * peer arrive in the order of the calls. What was accepted and then could not be sent is told by a `drop` event.
 *
 * @example Sending as fast as the peer receives
 * ```ts
 * import { P2P } from "@unaiverse/p2p";
 *
 * await using node = await P2P.create({ identityDir: "./alice" });
 * const peer = await node.connectTo(["/ip4/192.0.2.7/udp/4002/quic-v1/p2p/12D3KooW..."]);
 * await using sender = node.sender(`${node.peerId}::dm:${peer.id}-samples`);
 * const sample = new Uint8Array(100);
 * for (let i = 0; i < 1_000_000; i++) {
 *   while (!sender.send(sample)) await sender.ready;
 * }
 * ```
 */
export class Sender implements AsyncDisposable {
  /** The channel that it sends to. */
  readonly channel: string;
  readonly #outlets: Outlets;
  readonly #route: Route;
  /** Over a relay with limits, the message that has not been written yet. */
  #underWay?: Promise<void>;
  #closed = false;

  /** @internal Made by `node.sender`. */
  constructor(outlets: Outlets, channel: string) {
    this.channel = channel;
    this.#outlets = outlets;
    this.#route = outlets.route(channel);
  }

  /**
   * Sends a message if there is room for it in the window (4 MiB) of an open stream. The bytes are copied within the call.
   *
   * @param data One byte or more; with the channel at most `maxMessageSize`.
   * @returns Whether the message was accepted; if not, nothing of it was kept: await `ready` and send it again.
   * @throws {TypeError} If `data` is no bytes.
   * @throws {RangeError} If `data` is empty or too long.
   * @throws {P2PError} `CLOSED`, when the sender or the node is closed.
   */
  send(data: MessageData): boolean {
    if (this.#closed) this.#refuse();
    const payload = checkBytes("data", data);
    const route = this.#route;
    const length = this.#outlets.check(route, payload);
    const outlet = this.#outlets.outletOf(route);
    if (outlet.offer(route, payload, length)) return true;
    if (!outlet.limited || this.#underWay) return false;
    // Whether a limited circuit takes a message is known when it was written: `ready` tells.
    const underWay = outlet.send(route, payload, length).finally(() => {
      if (this.#underWay === underWay) this.#underWay = undefined;
    });
    underWay.catch(() => {});
    this.#underWay = underWay;
    return true;
  }

  /**
   * Resolves when `send` is worth another try, and opens the stream where there is none. It rejects when the peer cannot
   * be reached, and over a relay that limits its circuits when the last message went beyond the limits.
   *
   * @throws {P2PError} `PEER_UNKNOWN`, `DIAL_FAILED`, `PROTOCOL_UNSUPPORTED`, `STREAM_FAILED`, `RELAY_LIMIT`, `CLOSED`.
   */
  get ready(): Promise<void> {
    try {
      if (this.#closed) this.#refuse();
      return this.#underWay ?? this.#outlets.outletOf(this.#route).ready();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Closes the sender; the node and its other senders go on.
   *
   * @returns Resolves when all that was accepted has been written to the stream.
   * @throws {P2PError} As `ready`.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#underWay;
    await this.#route.outlet.flushed();
  }

  /** Closes the sender. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #refuse(): never {
    throw new P2PError("CLOSED", "the sender is closed", {
      operation: "sender.send",
      peerId: this.#route.peer,
    });
  }
}

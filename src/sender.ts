/**
 * `node.sender(channel)`: sending without a promise a message.
 *
 * @module
 */

import { bounded, type CallOptions, startCall } from "./deadline.ts";
import { callSite, P2PError, traced } from "./errors.ts";
import { Lazy } from "./lazy.ts";
import { encodeData, type MessageData } from "./message.ts";
import { Outlets, type Route } from "./messaging.ts";

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
  /** What all who wait share, so that the outlet has one of them at most. */
  #waiting?: Promise<void>;
  #closed = false;

  /** @internal Made by `node.sender`. */
  constructor(outlets: Outlets, channel: string) {
    if (!(outlets instanceof Outlets)) {
      throw new TypeError("a sender is not made by new: node.sender(channel)");
    }
    this.channel = channel;
    this.#outlets = outlets;
    this.#route = outlets.route(channel);
  }

  /**
   * Sends a message if there is room for it in the window (4 MiB) of an open stream; where there is no stream yet, opens it.
   * The bytes are copied within the call.
   *
   * @param data One byte or more, or a text, which is sent as UTF-8; with the channel at most `maxMessageSize`.
   * @returns Whether the message was accepted; if not, nothing of it was kept: await `ready` and send it again, or let it go.
   * @throws {TypeError} If `data` is neither bytes nor a text.
   * @throws {RangeError} If `data` is empty or too long, or a text with half a surrogate pair.
   * @throws {P2PError} `CLOSED`, when the sender or the node is closed.
   *
   * @example Letting go what does not find room
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const peer = await node.connectTo(["/ip4/192.0.2.7/udp/4002/quic-v1/p2p/12D3KooW..."]);
   * await using sender = node.sender(`${node.peerId}::dm:${peer.id}-position`);
   * setInterval(() => sender.send(new Float64Array([performance.now()])), 20);
   * ```
   */
  send(data: MessageData): boolean {
    if (this.#closed) throw this.#refusal();
    const payload = encodeData("data", data);
    const route = this.#route;
    const length = this.#outlets.check(route, payload);
    const outlet = this.#outlets.outletOf(route);
    if (outlet.offer(route, payload, length)) return true;
    if (!outlet.limited || this.#underWay) {
      this.#wait().catch(() => {});
      return false;
    }
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
   * be reached, and over a relay that limits its circuits when the last message went beyond the limits. Looking at it does
   * nothing; awaiting it does, each time anew. {@link Sender.whenReady} is the same with a signal and a timeout.
   *
   * @throws {P2PError} `PEER_UNKNOWN`, `DIAL_FAILED`, `PROTOCOL_UNSUPPORTED`, `STREAM_FAILED`, `RELAY_LIMIT`, `CLOSED`.
   */
  get ready(): Promise<void> {
    const site = callSite(true);
    return new Lazy(() => traced(this.#wait(), site));
  }

  /**
   * Waits as `ready` does, no longer than the options let it. The stream goes on opening for others who wait.
   *
   * @param options `{ signal, timeout }`.
   * @returns Resolves when `send` is worth another try.
   * @throws {P2PError} As `ready`, and `TIMEOUT`.
   *
   * @example Giving a peer five seconds to take more
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const peer = await node.connectTo(["/ip4/192.0.2.7/udp/4002/quic-v1/p2p/12D3KooW..."]);
   * const sender = node.sender(`${node.peerId}::dm:${peer.id}-samples`);
   * while (!sender.send(new Uint8Array(100))) {
   *   await sender.whenReady({ timeout: 5000 });
   * }
   * ```
   */
  async whenReady(options?: CallOptions): Promise<void> {
    const call = startCall("sender.whenReady", options);
    await bounded(this.#wait(), call);
  }

  /**
   * Closes the sender at once for new messages; the node and its other senders go on.
   *
   * @param options `{ signal, timeout }`, for the wait; the sender is closed in any case.
   * @returns Resolves when all that was accepted has been written to the stream.
   * @throws {P2PError} As `ready`, and `TIMEOUT`.
   */
  async close(options?: CallOptions): Promise<void> {
    const call = startCall("sender.close", options);
    this.#closed = true;
    if (this.#underWay) await bounded(this.#underWay, call);
    await this.#route.outlet.flushed(call);
  }

  /** Closes the sender at the end of an `await using` block, without a timeout. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #wait(): Promise<void> {
    if (this.#closed) return Promise.reject(this.#refusal());
    return this.#underWay ??
      (this.#waiting ??= this.#open().finally(() => this.#waiting = undefined));
  }

  async #open(): Promise<void> {
    await this.#outlets.outletOf(this.#route).ready();
  }

  #refusal(): P2PError {
    return new P2PError("CLOSED", "the sender is closed", {
      operation: "sender.send",
      peerId: this.#route.peer,
    });
  }
}

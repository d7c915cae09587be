/**
 * An inlet: a source of messages, that is a peer's streams, its WebRTC channel, or an author of topic messages.
 *
 * @module
 */

import type { Lane } from "./lanes.ts";
import type { Mailbox } from "./mailbox.ts";
import { Message } from "./message.ts";
import { TextMap } from "./text_map.ts";

/** A source of messages, and what the program has taken from it without giving credit back. */
export class Inlet {
  owed = 0;
  readonly handle: number;
  readonly peer: string;
  readonly transport: string;
  readonly #mailbox: Mailbox;
  /** Where the message before went: most messages come on the same channel. */
  #lane?: Lane;
  /** By channel, that one and its other lanes that hold messages. */
  readonly #lanes = new TextMap<Lane>();

  constructor(
    mailbox: Mailbox,
    handle: number,
    peer: string,
    transport: string,
  ) {
    this.#mailbox = mailbox;
    this.handle = handle;
    this.peer = peer;
    this.transport = transport;
  }

  /** Whether its messages come from the peer itself, not over a topic. */
  get direct(): boolean {
    return this.transport !== "pubsub";
  }

  /** Whether a payload may be a view of memory that it shares with others. */
  get shared(): boolean {
    return this.#mailbox.sharers > 0;
  }

  /** How many lanes it keeps: that of the message before, and others that hold messages. */
  get lanes(): number {
    return this.#lanes.size;
  }

  /** Puts a message into the mailbox. */
  receive(
    channel: string,
    data: Uint8Array<ArrayBuffer>,
    receivedAt: number,
  ): void {
    const { peer, transport } = this;
    const message = new Message(peer, channel, data, transport, receivedAt);
    let lane = this.#lane;
    if (lane === undefined || lane.channel !== channel) {
      if (!this.#mailbox.admits(message)) {
        return this.#mailbox.consume(this, message);
      }
      lane = this.#switch(channel);
    }
    this.#mailbox.put(lane, message);
  }

  /** The last message of a lane was taken. */
  emptied(lane: Lane): void {
    if (lane !== this.#lane) this.#lanes.delete(lane.channel);
  }

  #switch(channel: string): Lane {
    const before = this.#lane;
    if (before?.length === 0) this.#lanes.delete(before.channel);
    let lane = this.#lanes.get(channel);
    if (lane === undefined) {
      lane = this.#mailbox.laneOf(this, channel);
      this.#lanes.set(channel, lane);
    }
    return this.#lane = lane;
  }
}

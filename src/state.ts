/**
 * A node behind its public face: the snapshots that events keep fresh, the mailbox, the outlets, and how it ends.
 *
 * @module
 */

import { Announcer } from "./announcer.ts";
import { bounded, type CallOptions, startCall } from "./deadline.ts";
import { isRendezvous, mayBeFrom } from "./channel.ts";
import { Drops } from "./drops.ts";
import { callSite, P2PError, traced } from "./errors.ts";
import type { CloseDetail, DropDetail } from "./events.ts";
import { evaluation } from "./evaluation.ts";
import { Inlet } from "./inlet.ts";
import { Mailbox } from "./mailbox.ts";
import type { Message } from "./message.ts";
import { Outlets } from "./messaging.ts";
import { encodeJson, Op } from "./native/codec.ts";
import type { NodeEvent } from "./native/events.ts";
import type { NodeSink } from "./native/inbox.ts";
import type { Link } from "./native/link.ts";
import { settingsInUse } from "./native/registry.ts";
import type { ConnectedPeer, WebRtcConnection } from "./peers.ts";
import { Rendezvous } from "./rendezvous.ts";

/** How long what was accepted may take to leave when a node is closed, in milliseconds. */
const CLOSE_TIMEOUT = 10_000;
/** The reasons of drops of messages that this node has sent. */
const SENT = new Set([
  "stream-failed",
  "unconfirmed",
  "refused",
  "pubsub-outbound",
]);

/** The answer to `CREATE`. */
export interface Created {
  node: number;
  peerId: string;
  addresses: string[];
  isPublic: boolean | null;
}

/** One node, from the answer to `CREATE` until it has ended. */
export class NodeState implements NodeSink {
  readonly link: Link;
  readonly handle: number;
  readonly peerId: string;
  readonly announcer: Announcer;
  readonly outlets: Outlets;
  readonly mailbox: Mailbox;
  readonly peers: Map<string, ConnectedPeer> = new Map();
  /** By topic, who else is in it. */
  readonly topics: Map<string, string[]> = new Map();
  readonly rendezvous: Rendezvous;
  /** Resolves when the node has ended. */
  readonly closed: Promise<void>;
  addresses: string[];
  isPublic: boolean | null;
  webrtc: WebRtcConnection[] = [];

  readonly #drops: Drops;
  readonly #verifyChannels: boolean;
  readonly #inlets = new Set<number>();
  readonly #resolveClosed: () => void;
  #closing?: Promise<void>;
  /** What was accepted and lost since the node began to close. */
  readonly #lost = { messages: 0, bytes: 0, upTo: false };
  #ended = false;
  #holding = true;

  /** `target` is where the events are dispatched. */
  constructor(
    link: Link,
    created: Created,
    target: EventTarget,
    verifyChannels: boolean,
  ) {
    this.link = link;
    this.handle = created.node;
    this.peerId = created.peerId;
    this.addresses = created.addresses;
    this.isPublic = created.isPublic;
    this.announcer = new Announcer(target, link);
    const { maxMessageSize, ...settings } = settingsInUse();
    this.#verifyChannels = verifyChannels;
    this.#drops = new Drops((detail) => this.announcer.tell("drop", detail));
    this.rendezvous = new Rendezvous(
      this.#drops,
      (detail) => this.announcer.tell("rendezvous", detail),
    );
    this.outlets = new Outlets(
      link,
      this.handle,
      this.peerId,
      maxMessageSize,
      verifyChannels,
    );
    this.mailbox = new Mailbox({
      ...settings,
      admits: (message) => this.#admits(message),
      credit: (inlet, cost) => this.#credit(inlet, cost),
      readable: () => this.announcer.readable(() => this.mailbox.length > 0),
      dropped: (message) => this.#drops.add("mailbox-full", message),
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    link.nodes.set(this.handle, this);
    link.hold();
    evaluation.nodes.add(this);
  }

  /** Whether the node has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** This node, unless it is closed or closing. */
  live(operation: string): this {
    if (!this.#closing && !this.#ended) return this;
    throw new P2PError("CLOSED", "the node is closed", { operation });
  }

  /** Asks the Go side of the node for something. */
  request<T>(
    operation: string,
    op: number,
    body: Uint8Array | Record<string, unknown>,
    options?: CallOptions,
  ): Promise<T> {
    const call = startCall(operation, options);
    const { link, handle: node } = this.live(operation);
    const accept = (answer: unknown) => answer as T;
    const request = body instanceof Uint8Array ? { op, node, body, accept } : {
      op,
      node,
      body: encodeJson(body),
      peerId: body.peer as string,
      accept,
    };
    const site = callSite(op === Op.PUBLISH);
    return traced(link.request(call, request), site);
  }

  /** Subscribes to a topic, and to one rendezvous topic at a time. */
  async subscribe(topic: string, options?: CallOptions): Promise<void> {
    const operation = "subscribeToTopic";
    startCall(operation, options);
    this.live(operation);
    // Before the request, because the first roster may come before the answer.
    const before = isRendezvous(topic)
      ? this.rendezvous.follow(topic)
      : undefined;
    try {
      await this.request(operation, Op.SUBSCRIBE, { topic }, options);
    } catch (error) {
      this.rendezvous.leave(topic);
      throw error;
    }
    if (before !== undefined) await this.unsubscribe(before, options);
  }

  /** Ends a subscription. */
  async unsubscribe(topic: string, options?: CallOptions): Promise<void> {
    await this.request(
      "unsubscribeFromTopic",
      Op.UNSUBSCRIBE,
      { topic },
      options,
    );
    this.rendezvous.leave(topic);
  }

  /** Applies an event to the snapshots, and tells the program. */
  event(event: NodeEvent): void {
    switch (event.type) {
      case "peerconnect":
        this.peers.set(event.peer.id, event.peer);
        return this.announcer.tell("peerconnect", structuredClone(event.peer));
      case "peerupdate":
        this.peers.set(event.peer.id, event.peer);
        return;
      case "peerdisconnect":
        this.peers.delete(event.peer.id);
        return this.announcer.tell("peerdisconnect", event.peer);
      case "addresses": {
        const { addresses } = event;
        this.addresses = addresses;
        return this.announcer.tell("addresses", { addresses: [...addresses] });
      }
      case "reachability": {
        const { reachability, isPublic } = event;
        this.isPublic = isPublic;
        return this.announcer.tell("reachability", { reachability, isPublic });
      }
      case "reservation": {
        const { relay, expires, addresses } = event;
        return this.announcer.tell("reservation", {
          relay,
          expires,
          addresses,
        });
      }
      case "reservationlost": {
        const { relay, reason } = event;
        return this.announcer.tell("reservationlost", { relay, reason });
      }
      case "webrtc": {
        this.webrtc = event.connections;
        const connections = structuredClone(event.connections);
        return this.announcer.tell("webrtc", { connections });
      }
      case "topicpeers": {
        const { topic, peers } = event;
        if (peers.length > 0) this.topics.set(topic, peers);
        else this.topics.delete(topic);
        return this.announcer.tell("topicpeers", { topic, peers: [...peers] });
      }
      case "inlet": {
        const { inlet, peer, transport } = event;
        this.#inlets.add(inlet);
        this.link.inlets.set(
          inlet,
          new Inlet(this.mailbox, inlet, peer, transport),
        );
        return;
      }
      case "inletclosed":
        this.#inlets.delete(event.inlet);
        this.link.inlets.delete(event.inlet);
        return;
      case "outletlimited":
        return this.link.outlets.get(event.outlet)?.limit(event.limited);
      case "outletdown": {
        const { outlet, peer, lostMessages, lostBytes } = event;
        const told = this.link.outlets.get(outlet)?.down(event) ?? 0;
        if (lostMessages > told) {
          this.#drop("stream-failed", lostMessages - told, lostBytes, {
            peerId: peer,
          });
        }
        return;
      }
      case "drop": {
        const { reason, messages, bytes, channel, peer, why, upTo } = event;
        return this.#drop(reason, messages, bytes, {
          ...(channel ? { channel } : {}),
          ...(peer ? { peerId: peer } : {}),
          ...(why ? { why } : {}),
          ...(upTo ? { upTo } : {}),
        });
      }
      case "warning": {
        const { code, message } = event;
        return this.announcer.tell("warning", { code, message });
      }
    }
  }

  /** Ends a node that has ended on the other side. */
  lost(reason: string): void {
    this.#end({ reason });
  }

  /** Lets this node keep the process alive, or not. */
  hold(holding: boolean): void {
    if (this.#ended || holding === this.#holding) return;
    this.#holding = holding;
    if (holding) this.link.hold();
    else this.link.drop();
  }

  /** Disconnects from a peer. */
  disconnect(peer: string, options?: CallOptions): Promise<void> {
    const operation = "disconnectFrom";
    startCall(operation, options);
    return this.live(operation).outlets.disconnect(
      peer,
      () => this.request(operation, Op.DISCONNECT, { peer }, options),
    );
  }

  /** Closes the node, once, and lets what was accepted leave for so many milliseconds; resolves to a confirmation when all has ended. */
  close(timeout = CLOSE_TIMEOUT, signal?: AbortSignal): Promise<string> {
    if (this.#ended) this.#closing ??= Promise.resolve();
    this.#closing ??= this.#close(timeout);
    const confirmed = this.#closing.then(() => this.#confirmation());
    return bounded(confirmed, { operation: "close", signal });
  }

  #confirmation(): string {
    const { messages, bytes, upTo } = this.#lost;
    const closed = `Node ${this.peerId} closed`;
    if (messages === 0) return `${closed}.`;
    return `${closed}; ${upTo ? "up to " : ""}${messages} messages ` +
      `(${bytes} bytes) did not arrive.`;
  }

  async #close(timeout: number): Promise<void> {
    this.outlets.close(true);
    try {
      await this.link.request({ operation: "close" }, {
        op: Op.CLOSE,
        node: this.handle,
        body: encodeJson({ timeout }),
      });
    } catch (error) {
      // A link or node that is gone by itself has left nothing to close.
      if (!(error instanceof P2PError && error.code === "CLOSED")) throw error;
    } finally {
      await this.#end({});
    }
  }

  async #end(detail: CloseDetail): Promise<void> {
    if (this.#ended) return;
    this.hold(false);
    this.#ended = true;
    this.outlets.close(false);
    for (const inlet of this.#inlets) this.link.inlets.delete(inlet);
    this.#inlets.clear();
    this.link.forget(this.handle);
    evaluation.nodes.delete(this);
    this.peers.clear();
    this.topics.clear();
    this.webrtc = [];
    this.rendezvous.end();
    this.addresses = [];
    this.isPublic = null;
    this.mailbox.end();
    this.announcer.tell("close", detail);
    this.#resolveClosed();
    await this.link.release();
  }

  /** What is not for the program to read is dealt with here. */
  #admits(message: Message): boolean {
    const { transport, from, channel } = message;
    if (transport === "pubsub") {
      if (!isRendezvous(channel)) return true;
      this.rendezvous.receive(message);
      return false;
    }
    if (!this.#verifyChannels || mayBeFrom(from, channel)) return true;
    this.#drops.add("sender-refused", message);
    return false;
  }

  #credit(inlet: Inlet, cost: number): void {
    if (!this.#inlets.has(inlet.handle)) return;
    this.link.credit(inlet.handle, cost);
  }

  #drop(
    reason: string,
    messages: number,
    bytes: number,
    about: Partial<DropDetail>,
  ): void {
    if (this.#closing && SENT.has(reason)) {
      this.#lost.messages += messages;
      this.#lost.bytes += bytes;
      this.#lost.upTo ||= about.upTo === true;
    }
    this.announcer.tell("drop", { reason, ...about, messages, bytes });
  }
}

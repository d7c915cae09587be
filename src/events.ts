/**
 * The events of a node, and the `EventTarget` that knows their types.
 *
 * @module
 */

import type { ConnectedPeer, Roster, WebRtcConnection } from "./peers.ts";

/** Whether others can reach this node: `unknown` until somebody has found out. */
export type Reachability = "public" | "private" | "unknown";

/** Detail of `addresses`. */
export interface AddressesDetail {
  /** The node's own addresses, each with `/p2p/<id>`. */
  addresses: string[];
}

/** Detail of `reachability`. */
export interface ReachabilityDetail {
  /** In a word. */
  reachability: Reachability;
  /** As `node.isPublic` has it; `null` is unknown. */
  isPublic: boolean | null;
}

/** Detail of `reservation`: a place at a relay, new or renewed. */
export interface ReservationDetail {
  /** The peer id of the relay. */
  relay: string;
  /** Until when it holds: ISO 8601, UTC; it is renewed before that. `null` for the relays of the options, which do not tell. */
  expires: string | null;
  /** This node's addresses by way of the relay. */
  addresses: string[];
}

/** Detail of `reservationlost`. */
export interface ReservationLostDetail {
  /** The peer id of the relay. */
  relay: string;
  /** Why. */
  reason: string;
}

/** Detail of `rendezvous`: what a world has announced. */
export interface RendezvousDetail extends Roster {
  /** The topic's channel. */
  topic: string;
}

/** Detail of `webrtc`. */
export interface WebRtcDetail {
  /** All WebRTC connections, as they are now. */
  connections: WebRtcConnection[];
}

/** Detail of `drop`: messages that were lost, and why. */
export interface DropDetail {
  /**
   * Of what this node sent: `stream-failed`, accepted for a peer and not written before its stream broke for good or it was
   * given up; `unconfirmed`, written to a peer that is not known to have read it when its stream broke (`upTo`); `refused`,
   * not taken by the peer, and `why` says for what reason.
   *
   * Of what was sent to it: `mailbox-full`, not taken in time under an `overflow` policy; `sender-refused`, a direct message
   * on a channel that names another sender (`verifyChannels`), or a roster from somebody else than the owner of its topic;
   * `roster-refused`, a roster that cannot be read, or the bad entries of one; `too-large`, above `maxMessageSize`;
   * `malformed`, no message; `too-slow`, left unfinished by the peer.
   *
   * Of topics: `unconfirmed`, `too-large` and `too-slow` as above; `pubsub-outbound`, not taken by a subscriber; `pubsub-overflow`,
   * not taken by the program; `pubsub-validation` and `resource-limit`, came faster than they could be checked or kept. See
   * `docs/topics.md`.
   */
  reason: string;
  /** The channel, where it is one. */
  channel?: string;
  /** The peer, where it is one. */
  peerId?: string;
  /** What the peer said of messages that it refused, `too-large` for example, where it did. */
  why?: string;
  /** How many messages, 1 or more. */
  messages: number;
  /** How many bytes they held. */
  bytes: number;
  /** Set where it is not known what arrived: `messages` and `bytes` are the most that can be lost. */
  upTo?: true;
}

/** Detail of `topicpeers`. */
export interface TopicPeersDetail {
  /** The topic's channel. */
  topic: string;
  /** Who else is in it and gets what is published there, as peer ids; nobody once this node has left it. */
  peers: string[];
}

/** Detail of `warning`. */
export interface WarningDetail {
  /** A word to tell warnings apart. */
  code: string;
  /** A sentence. */
  message: string;
}

/** Detail of `close`. */
export interface CloseDetail {
  /** Why the node ended, if `close` was not called. */
  reason?: string;
}

/** The events of a node by name. */
export interface P2PEventMap {
  /** The first connection to a peer was made. */
  peerconnect: CustomEvent<ConnectedPeer>;
  /** The last connection to a peer was closed. */
  peerdisconnect: CustomEvent<ConnectedPeer>;
  /** The node's own addresses changed. */
  addresses: CustomEvent<AddressesDetail>;
  /** It became known whether others can reach this node. */
  reachability: CustomEvent<ReachabilityDetail>;
  /** A place at a relay was taken or renewed. */
  reservation: CustomEvent<ReservationDetail>;
  /** A place at a relay is no more. */
  reservationlost: CustomEvent<ReservationLostDetail>;
  /** The world whose rendezvous topic this node follows has announced its agents. */
  rendezvous: CustomEvent<RendezvousDetail>;
  /** A WebRTC connection began, opened or ended. */
  webrtc: CustomEvent<WebRtcDetail>;
  /** Somebody joined or left a topic that this node is in. */
  topicpeers: CustomEvent<TopicPeersDetail>;
  /** The mailbox was empty and holds messages now. */
  readable: Event;
  /** Messages were lost. */
  drop: CustomEvent<DropDetail>;
  /** Something is not as it should be, and the node goes on. */
  warning: CustomEvent<WarningDetail>;
  /** The node has ended. */
  close: CustomEvent<CloseDetail>;
}

/** Receives an event of a node. */
export type P2PEventListener<K extends keyof P2PEventMap> =
  | ((event: P2PEventMap[K]) => void)
  | { handleEvent(event: P2PEventMap[K]): void };

/**
 * An `EventTarget` with the events of a node, and no others: a name that is none of {@link P2PEventMap} does not compile.
 *
 * @example
 * ```ts
 * import { P2P } from "@unaiverse/p2p";
 *
 * await using node = await P2P.create({ identityDir: "./alice" });
 * node.addEventListener("peerconnect", ({ detail }) => console.log(detail.id));
 * node.addEventListener("drop", ({ detail }) => {
 *   console.warn(`${detail.messages} messages lost: ${detail.reason}`);
 * });
 * ```
 */
export class P2PEventTarget extends EventTarget {
  /**
   * Calls a listener for each event of a type.
   *
   * @param type One of {@link P2PEventMap}.
   * @param listener What is called; adding one twice is adding it once.
   * @param options As for any `EventTarget`: `once`, `signal`.
   */
  override addEventListener<K extends keyof P2PEventMap>(
    type: K,
    listener: P2PEventListener<K> | null,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener as EventListener, options);
  }

  /**
   * Takes a listener back.
   *
   * @param type One of {@link P2PEventMap}.
   * @param listener What `addEventListener` was given.
   * @param options As for any `EventTarget`.
   */
  override removeEventListener<K extends keyof P2PEventMap>(
    type: K,
    listener: P2PEventListener<K> | null,
    options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener as EventListener, options);
  }
}

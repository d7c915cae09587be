/**
 * The public class: a libp2p node. Each method checks what it is given and says what it asks of the native side; how that
 * travels is in `native/`, and what is known of the node between two calls in `state.ts`.
 *
 * @module
 */

import {
  checkBoolean,
  checkFields,
  checkList,
  checkText,
} from "./arguments.ts";
import { channelWith, checkTopicChannel } from "./channel.ts";
import {
  bounded,
  type Call,
  type CallOptions,
  type CloseOptions,
  startCall,
} from "./deadline.ts";
import { callSite, traced } from "./errors.ts";
import { evaluation } from "./evaluation.ts";
import { P2PEventTarget, type WarningDetail } from "./events.ts";
import {
  checkMessagesOptions,
  MessageIterator,
  type Messages,
  type MessagesOptions,
} from "./iterator.ts";
import { encodeData, type Message, type MessageData } from "./message.ts";
import type { SendOptions } from "./messaging.ts";
import { encodeJson, Op } from "./native/codec.ts";
import { type Link, useLink } from "./native/link.ts";
import { registry, warn } from "./native/registry.ts";
import {
  checkIceServers,
  checkOptions,
  type IceServers,
  type NodeConfig,
  type P2POptions,
  type TurnServer,
} from "./options.ts";
import { checkPeerId } from "./peer_id.ts";
import type {
  ConnectedPeer,
  Connection,
  Roster,
  WebRtcConnection,
} from "./peers.ts";
import { encodeRoster } from "./rendezvous.ts";
import { Sender } from "./sender.ts";
import { checkSettings, type LibrarySettings } from "./settings.ts";
import { type Created, NodeState } from "./state.ts";
import { encodeBroadcast } from "./topics.ts";
import { VERSION } from "./version.ts";

/** What tells `P2P.create` from a program that makes a node by `new`. */
const MADE = Symbol();

/**
 * A libp2p node. All of its promises take `{ signal, timeout }` and reject with `signal.reason` or a {@link P2PError}; for
 * an argument of the wrong type or an unknown option with a `TypeError`, and for one that cannot be used with a `RangeError`,
 * before anything is sent. Peer ids are taken in any spelling (base58, or a CID) and given in base58.
 *
 * Once the node is closed its properties, and what `get...` answers at once, show nothing (`null`, `[]`, `0`, `false`), except
 * for `warnings` and `logSub`; everything else fails with `CLOSED`, except for `close`, `closed`, `ref` and `unref`.
 *
 * @example Sending and receiving
 * ```ts
 * import { P2P } from "@unaiverse/p2p";
 *
 * await using node = await P2P.create({ identityDir: "./alice" });
 * const peer = await node.connectTo(["/ip4/192.0.2.7/udp/4002/quic-v1/p2p/12D3KooW..."]);
 * await node.send(peer.id, "hello");
 * for await (const message of node.messages()) {
 *   console.log(message.from, message.channel, message.text());
 * }
 * ```
 */
export class P2P extends P2PEventTarget {
  /** The label given as option `logSub`, for the program's own logs; it stays when the node is closed. */
  readonly logSub: string;
  readonly #relayIsEnabled: boolean;
  readonly #state: NodeState;
  readonly #maxTopicMessageSize: number;

  private constructor(
    made: typeof MADE,
    link: Link,
    created: Created,
    config: NodeConfig,
  ) {
    if (made !== MADE) {
      throw new TypeError(
        "a node is not made by new: await P2P.create(options)",
      );
    }
    super();
    this.#state = new NodeState(link, created, this, config.verifyChannels);
    this.#maxTopicMessageSize = config.maxTopicMessageSize;
    this.logSub = config.logSub;
    this.#relayIsEnabled = config.enableRelayClient ||
      config.enableRelayService;
  }

  /**
   * Sets what all nodes of the program share. Optional, once, before the first node; a later call only warns.
   *
   * @param settings The library, its limits, logging.
   * @throws {TypeError} If a setting is unknown or of the wrong type.
   * @throws {RangeError} If a setting cannot be used.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * P2P.setupLibrary({
   *   maxMessageSize: 1 << 20,
   *   logLevel: "warn",
   *   logger: ({ level, logger, message }) => console.error(level, logger, message),
   * });
   * const node = await P2P.create({ identityDir: "./alice" });
   * await node.close();
   * ```
   */
  static setupLibrary(settings: LibrarySettings): void {
    const checked = checkSettings(settings);
    const shared = registry();
    if (shared.settings || (shared.link && !evaluation.replacing)) {
      return warn("setupLibrary was called again or too late: ignored");
    }
    shared.settings = evaluation.settings = checked;
  }

  /**
   * Makes a node; resolves as soon as it listens. The native library is loaded, and if need be fetched or built, with the first one.
   *
   * @param options At least `identityDir`.
   * @param callOptions `{ signal, timeout }`.
   * @returns The node. It keeps the process alive until it is closed, or `unref` is called.
   * @throws {TypeError} If an option is missing, unknown or of the wrong type.
   * @throws {RangeError} If an option has a value that cannot be used.
   * @throws {P2PError} `ADDRESS_IN_USE`, `LISTEN_FAILED`, `LIMIT`, `CERTIFICATE_INVALID`, one of `IDENTITY_*`, `LIBRARY_*`, `RUNTIME_UNSUPPORTED`.
   *
   * @example A node on fixed ports
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({
   *   identityDir: "./alice",
   *   port: 4001,
   *   transports: ["tcp", "quic"],
   *   limits: { connections: 500 },
   * }, { timeout: 10_000 });
   * console.log(node.peerId);
   * ```
   */
  static async create(
    options: P2POptions,
    callOptions?: CallOptions,
  ): Promise<P2P> {
    const call = startCall("create", callOptions);
    const config = checkOptions(options);
    const node = evaluation.create(() => P2P.#create(config, call));
    return await traced(node, callSite());
  }

  static async #create(config: NodeConfig, call: Call): Promise<P2P> {
    const { logSub: _, verifyChannels: __, ...body } = config;
    const link = useLink();
    try {
      await bounded(link.ready, call);
      const agent = `unaiverse-p2p/${VERSION} (${link.runtime})`;
      return await link.request(call, {
        op: Op.CREATE,
        body: encodeJson({ ...body, agent }),
        accept: (answer) => new P2P(MADE, link, answer as Created, config),
        undo: (answer) => link.submit(Op.CLOSE, (answer as Created).node),
      });
    } catch (error) {
      await link.release();
      throw error;
    }
  }

  /** The peer id of this node in base58, as it comes from the key in `identityDir`; `null` once it is closed. */
  get peerId(): string | null {
    return this.#state.ended ? null : this.#state.peerId;
  }

  /** The node's own addresses as they are now: multiaddrs, each with `/p2p/<id>`; empty once it is closed (event `addresses`). */
  get addresses(): string[] {
    return [...this.#state.addresses];
  }

  /** Whether this node uses relays or is one; `false` once it is closed. */
  get relayIsEnabled(): boolean {
    return this.#relayIsEnabled && !this.#state.ended;
  }

  /** Whether others can reach this node; `null` until that is known, and once it is closed (event `reachability`). */
  get isPublic(): boolean | null {
    return this.#state.isPublic;
  }

  /** The last warnings, oldest first, at most 100: those that came before there was a listener, and those of a closed node, too. */
  get warnings(): WarningDetail[] {
    return this.#state.announcer.warnings;
  }

  /** Resolves when the node has ended, for whatever reason; it never rejects (event `close` tells the reason). */
  get closed(): Promise<void> {
    return this.#state.closed;
  }

  /**
   * Connects to a peer by any of the given addresses, and by no others. Connecting to a peer that is connected is no error. A
   * send finds these addresses again for as long as the node lives.
   *
   * @param addrs Multiaddrs of one peer, one or more; the first ends in `/p2p/<id>`, the others in the same or in none. Names are
   * resolved by DNS.
   * @param options `{ signal, timeout }`.
   * @returns The peer and the address that was reached.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If `addrs` or one of them is empty.
   * @throws {P2PError} `ADDRESS_INVALID`, `PEER_SELF`, `DIAL_FAILED`, `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const { id, addrs } = await node.connectTo([
   *   "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...",
   *   "/ip4/192.0.2.7/udp/4002/quic-v1",
   * ], { timeout: 5000 });
   * console.log(`${id} answered at ${addrs[0]}`);
   * ```
   */
  async connectTo(
    addrs: string[],
    options?: CallOptions,
  ): Promise<Connection> {
    checkList("addrs", addrs, checkText);
    if (addrs.length === 0) throw new RangeError("addrs must not be empty");
    return await this.#state.request(
      "connectTo",
      Op.CONNECT,
      { addrs },
      options,
    );
  }

  /**
   * Sends what was accepted for a peer and closes all connections to it. No error if there are none. A peer may take ten
   * seconds to read it, or as long as the options allow; then it is given up and told by `drop` events, before this resolves
   * or rejects. What waited to be accepted is refused with `STREAM_FAILED`; what is sent from now on waits until the peer is
   * disconnected, and dials it again then.
   *
   * @param peerId The peer.
   * @param options `{ signal, timeout }`.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If `peerId` is empty.
   * @throws {P2PError} `PEER_INVALID`, `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * for (const { id } of node.getConnectedPeersInfo()) {
   *   await node.disconnectFrom(id, { timeout: 5000 });
   * }
   * ```
   */
  async disconnectFrom(peerId: string, options?: CallOptions): Promise<void> {
    const peer = checkPeerId("disconnectFrom", "peerId", peerId);
    await this.#state.disconnect(peer, options);
  }

  /**
   * Sends a message to one peer, without a channel to be named: it goes out on
   * `<this node>::dm:<peerId>-<topic>`, as {@link P2P.sendMessageToPeer} would send it, with the same promise, order and
   * errors. The receiver answers with `node.send(message.from, ...)`.
   *
   * @param peerId The peer, in any spelling of its id; dialled if it is not connected and its addresses are known.
   * @param data One byte or more, or a text, which is sent as UTF-8; with the channel at most `maxMessageSize`.
   * @param options `{ topic, signal, timeout }`; the topic is `"misc"` by default.
   * @returns Resolves when the message was accepted; awaiting it slows the sender down to the speed of its receiver.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If `data` is empty or too long, or the topic is empty, too long or contains `::ps:`.
   * @throws {P2PError} `PEER_INVALID`, and as {@link P2P.sendMessageToPeer}.
   *
   * @example Asking and answering
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const peer = await node.connectTo(["/ip4/192.0.2.7/udp/4002/quic-v1/p2p/12D3KooW..."]);
   * await node.send(peer.id, "what time is it?", { topic: "question" });
   * for await (const answer of node.messages({ from: peer.id, topic: "answer" })) {
   *   console.log(answer.text());
   *   break;
   * }
   * ```
   */
  send(
    peerId: string,
    data: MessageData,
    options: SendOptions = {},
  ): Promise<void> {
    try {
      const { outlets, peerId: self } = this.#state.live("send");
      const names = ["topic", "signal", "timeout"] as const;
      const { topic = "misc", ...rest } = checkFields(
        "options",
        options,
        names,
      );
      const peer = checkPeerId("send", "peerId", peerId);
      const channel = channelWith(self, peer, topic);
      const call = startCall("send", rest);
      return outlets.send(channel, encodeData("data", data), call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a message to one peer, which is dialled if it is not connected and its addresses are known. Messages to one peer
   * arrive in the order of the calls.
   *
   * The promise resolves when the message was accepted into the window (4 MiB) of an open stream, at once while there is
   * room; awaiting it is what slows a sender down to the speed of its receiver. There is no acknowledgement: if the stream
   * breaks for good, what was accepted and not sent is told by a `drop` event. Over a relay that limits its circuits the
   * promise resolves when the message was written within those limits, and rejects with `RELAY_LIMIT` when it would go
   * beyond them.
   *
   * @param channel `<sender>::dm:<receiver>-<suffix>`, at most 255 bytes of UTF-8; the sender is this node.
   * @param data One byte or more, or a text, which is sent as UTF-8; with the channel at most `maxMessageSize`.
   * @param options `{ signal, timeout }`, for as long as the message has not been accepted.
   * @returns Resolves when the message was accepted.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If the channel has another form or names another sender (`verifyChannels`), or `data` is empty or too long.
   * @throws {P2PError} `PEER_SELF`, `PEER_INVALID`, `PEER_UNKNOWN`, `DIAL_FAILED`, `PROTOCOL_UNSUPPORTED`, `STREAM_FAILED`, `RELAY_LIMIT`, `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { channel, P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const peer = await node.connectTo(["/ip4/192.0.2.7/udp/4002/quic-v1/p2p/12D3KooW..."]);
   * const samples = channel.direct(node.peerId!, peer.id, "stream_sample", "camera");
   * await node.sendMessageToPeer(samples, new Float32Array([0.5, 0.25]), { timeout: 5000 });
   * ```
   */
  sendMessageToPeer(
    channel: string,
    data: MessageData,
    options?: CallOptions,
  ): Promise<void> {
    try {
      const { outlets } = this.#state.live("sendMessageToPeer");
      const call = options && startCall("sendMessageToPeer", options);
      return outlets.send(channel, encodeData("data", data), call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Opens a way to send to one channel without a promise a message.
   *
   * @param channel `<sender>::dm:<receiver>-<suffix>`, at most 255 bytes of UTF-8.
   * @returns The sender; nothing is dialled before its first use.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If the channel has another form or names another sender (`verifyChannels`).
   * @throws {P2PError} `PEER_SELF`, `PEER_INVALID`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const peer = await node.connectTo(["/ip4/192.0.2.7/udp/4002/quic-v1/p2p/12D3KooW..."]);
   * await using sender = node.sender(`${node.peerId}::dm:${peer.id}-samples`);
   * const sample = new Uint8Array(100);
   * while (!sender.send(sample)) await sender.ready;
   * ```
   */
  sender(channel: string): Sender {
    checkText("channel", channel);
    return new Sender(this.#state.live("sender").outlets, channel);
  }

  /**
   * Publishes a message on a topic, which need not be subscribed to. Nobody listening is no error.
   *
   * @param channel The topic: in this network `<owner>::ps:<name>`, where {@link channel} says who the owner may be; any other
   *   text is a topic too, at most 255 bytes of UTF-8.
   * @param data Bytes, none or more, or a text, which is sent as UTF-8; with the channel and a signature at most
   *   `maxTopicMessageSize` bytes.
   * @param options `{ signal, timeout }`.
   * @returns Resolves when the router has taken the message.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If the channel has another form, or `data` is too long.
   * @throws {P2PError} `TOPIC_FAILED`, `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { channel, P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const topic = channel.topic(node.peerId!, "news");
   * await node.broadcastMessage(topic, "all is well");
   * ```
   */
  async broadcastMessage(
    channel: string,
    data: MessageData,
    options?: CallOptions,
  ): Promise<void> {
    const body = encodeBroadcast(channel, data, this.#maxTopicMessageSize);
    await this.#state.request("broadcastMessage", Op.PUBLISH, body, options);
  }

  /**
   * Subscribes to a topic; its messages go to the mailbox. Subscribing twice is no error. What comes on a topic that ends in
   * `:rv` goes to {@link P2P.getRendezvousPeersInfo} instead; a node is subscribed to one such topic at a time, the last.
   *
   * @param channel The topic: in this network `<owner>::ps:<name>`, where {@link channel} says who the owner may be; any other
   *   text is a topic too, at most 255 bytes of UTF-8.
   * @param options `{ signal, timeout }`.
   * @returns Resolves when the router has joined; others know of it a moment later (event `topicpeers`).
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If the channel has another form.
   * @throws {P2PError} `TOPIC_FAILED`, `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { channel, P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const topic = channel.topic("chess", "lobby");
   * await node.subscribeToTopic(topic);
   * for await (const message of node.messages({ channel: topic })) {
   *   console.log(message.from, message.text());
   * }
   * ```
   */
  async subscribeToTopic(
    channel: string,
    options?: CallOptions,
  ): Promise<void> {
    await this.#state.subscribe(checkTopicChannel(channel), options);
  }

  /**
   * Ends a subscription. No error if there is none.
   *
   * @param channel The topic.
   * @param options `{ signal, timeout }`.
   * @returns Resolves when the router has left. What had come before still waits in the mailbox.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If the channel has another form.
   * @throws {P2PError} `TOPIC_FAILED`, `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { channel, P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const topic = channel.topic("chess", "lobby");
   * await node.subscribeToTopic(topic);
   * await node.unsubscribeFromTopic(topic);
   * ```
   */
  async unsubscribeFromTopic(
    channel: string,
    options?: CallOptions,
  ): Promise<void> {
    await this.#state.unsubscribe(checkTopicChannel(channel), options);
  }

  /**
   * Announces the agents of a world to all who follow its rendezvous topic.
   *
   * @param channel This node's own rendezvous topic, `<peerId>::ps:rv`; what others publish there is ignored.
   * @param roster The agents, and a count that grows with each announcement.
   * @param options `{ signal, timeout }`.
   * @returns Resolves when the router has taken the announcement.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If the topic is not this node's own, or an entry is not valid: receivers would refuse it.
   * @throws {P2PError} `TOPIC_FAILED`, `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { channel, P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * let updateCount = 0;
   * node.addEventListener("peerconnect", async () => {
   *   const peers = node.getConnectedPeersInfo()
   *     .map(({ transport: _, ...peer }) => peer);
   *   const roster = { peers, updateCount: ++updateCount };
   *   await node.publishRendezvous(channel.topic(node.peerId!, "rv"), roster);
   * });
   * ```
   */
  async publishRendezvous(
    channel: string,
    roster: Roster,
    options?: CallOptions,
  ): Promise<void> {
    const { peerId } = this.#state.live("publishRendezvous");
    const body = encodeBroadcast(
      channel,
      encodeRoster(peerId, channel, roster),
      this.#maxTopicMessageSize,
    );
    await this.#state.request("publishRendezvous", Op.PUBLISH, body, options);
  }

  /**
   * What the world whose rendezvous topic this node is subscribed to has announced last.
   *
   * @returns The roster; `null` when nothing came yet, and once the node is closed.
   *
   * @example
   * ```ts
   * import { channel, P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * await node.subscribeToTopic(channel.topic("12D3KooWWorld", "rv"));
   * node.addEventListener("rendezvous", () => {
   *   console.log(node.getRendezvousPeersInfo()?.peers.length);
   * });
   * ```
   */
  getRendezvousPeersInfo(): Roster | null {
    return this.#state.rendezvous.roster;
  }

  /**
   * Takes a place at a relay, so that this node can be reached through it, and keeps it: it is renewed before it expires, and
   * taken again when the relay comes back, until the node is closed or `disconnectFrom` is called. The relay is dialled if it
   * is not connected and its addresses are known.
   *
   * @param relayPeerId The relay, in any spelling of its peer id.
   * @param options `{ signal, timeout }`; without `timeout` a minute.
   * @returns When the reservation expires if it is not renewed: ISO 8601, UTC.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {RangeError} If `relayPeerId` is empty.
   * @throws {P2PError} `RESERVATION_FAILED`, `PEER_INVALID`, `PEER_SELF`, `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const relay = await node.connectTo(["/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW..."]);
   * const expires = await node.reserveOnRelay(relay.id, { timeout: 10_000 });
   * console.log(`reached through the relay until ${new Date(expires)}`);
   * ```
   */
  async reserveOnRelay(
    relayPeerId: string,
    options?: CallOptions,
  ): Promise<string> {
    const peer = checkPeerId("reserveOnRelay", "relayPeerId", relayPeerId);
    const { expires } = await this.#state.request<{ expires: string }>(
      "reserveOnRelay",
      Op.RESERVE,
      { peer },
      options,
    );
    return expires;
  }

  /**
   * Lists the WebRTC connections as they are now. Direct messages take them where libp2p has relays only.
   *
   * @returns One record a peer; empty once the node is closed.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * for (const { peerId, state } of node.getWebrtcConnections()) {
   *   console.log(peerId, state); // "connecting" or "open"
   * }
   * ```
   */
  getWebrtcConnections(): WebRtcConnection[] {
    return structuredClone(this.#state.webrtc);
  }

  /**
   * Changes the servers for WebRTC connections that are made from now on.
   *
   * @param servers Those to replace; what is left out, or `null`, stays as it is, and an empty list takes all away.
   * @param options `{ signal, timeout }`.
   * @throws {TypeError} If a server is not of the form of the options.
   * @throws {P2PError} `ADDRESS_INVALID` if a server cannot be used: then nothing changes. `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * await node.setIceConfig({ stunServers: ["stun:stun.example.org:3478"] });
   * ```
   */
  async setIceConfig(
    servers: IceServers,
    options?: CallOptions,
  ): Promise<void> {
    const body = checkIceServers(servers);
    await this.#state.request("setIceConfig", Op.ICE, body, options);
  }

  /**
   * Changes the TURN servers alone, for example when their credentials have expired.
   *
   * @param turnServers The servers from now on.
   * @param options `{ signal, timeout }`.
   * @throws {TypeError} If a server is not of the form of the options.
   * @throws {P2PError} `ADDRESS_INVALID` if a server cannot be used: then nothing changes. `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * await node.setTurnCredentials([{
   *   urls: "turn:turn.example.org:3478",
   *   username: "alice",
   *   credential: "secret",
   * }]);
   * ```
   */
  async setTurnCredentials(
    turnServers: TurnServer[],
    options?: CallOptions,
  ): Promise<void> {
    checkList("turnServers", turnServers, (_, server) => server);
    const body = checkIceServers({ turnServers });
    await this.#state.request("setTurnCredentials", Op.ICE, body, options);
  }

  /**
   * Takes the oldest message of each channel, without waiting for any, in the order of their arrival.
   *
   * @returns One message a channel, except for what iterators with a filter claim; empty when none wait.
   * @throws {P2PError} `CLOSED`.
   *
   * @example Looking ten times a second
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * setInterval(() => {
   *   for (const message of node.popMessages()) {
   *     console.log(message.channel, message.text());
   *   }
   * }, 100);
   * ```
   */
  popMessages(): Message[] {
    return this.#state.live("popMessages").mailbox.takeOneOfEach();
  }

  /**
   * Counts the messages that wait, except for those that iterators with a filter claim.
   *
   * @returns How many; 0 once the node is closed.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * node.addEventListener("readable", () => {
   *   while (node.getMessageQueueLength() > 0) {
   *     for (const message of node.popMessages()) console.log(message.text());
   *   }
   * });
   * ```
   */
  getMessageQueueLength(): number {
    return this.#state.ended ? 0 : this.#state.mailbox.length;
  }

  /**
   * Takes messages in the order of their arrival, over all channels or those that the options let through, as they come.
   *
   * Several iterators may take at a time. One with a filter (`channel`, `from`, `topic`) claims what it matches from when it
   * is made until it ends: nobody else gets that, not even while its loop is busy with another message. Those without a
   * filter share the rest, also with `popMessages`; those with the same filter share what it matches; each message goes to
   * one. Where several filters match, the one that was made first has the message. What an iterator leaves, others get, in
   * its place in the order of arrival. When the node is closed they deliver what waits, and end.
   *
   * A message that waits, whoever it waits for, counts towards its peer's window (4 MiB) until it is taken: a peer whose
   * messages nobody takes is slowed down and then waits, and others do not. So end an iterator that you do not read any
   * more: leave its loop, call `return()`, abort its signal, or declare it with `await using`.
   *
   * Each `data` has an `ArrayBuffer` of its own, to be kept, changed or transferred. With `shared` it is a view of memory that
   * it shares with the messages around it, which spares a copy: read it as long as you like, but neither transfer its
   * buffer nor write to it, and copy what you keep for long, because one view keeps up to 256 KiB alive.
   *
   * @param options `{ channel, from, topic, signal, shared }`; without any, all messages.
   * @returns An iterator for `for await`, which can also be asked for what waits already; leaving the loop leaves the mailbox as it is.
   * @throws {TypeError} If an option is of the wrong type or unknown, or `channel` and `topic` are both given.
   * @throws {RangeError} If an option is empty.
   * @throws {P2PError} `PEER_INVALID`, `CLOSED`.
   *
   * @example Two loops at a time
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * async function greet() {
   *   for await (const { from } of node.messages({ topic: "hello" })) {
   *     await node.send(from, "hello to you");
   *   }
   * }
   * async function print() {
   *   for await (const message of node.messages()) console.log(message.text());
   * }
   * await Promise.all([greet(), print()]);
   * ```
   */
  messages(options?: MessagesOptions): Messages {
    const taking = checkMessagesOptions(options);
    const { mailbox } = this.#state.live("messages");
    return new MessageIterator(mailbox, taking);
  }

  /**
   * Lists the connected peers as they are now.
   *
   * @returns One record a peer; empty once the node is closed.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * for (const { id, transport, relayed } of node.getConnectedPeersInfo()) {
   *   console.log(id, transport, relayed ? "through a relay" : "directly");
   * }
   * ```
   */
  getConnectedPeersInfo(): ConnectedPeer[] {
    return structuredClone([...this.#state.peers.values()]);
  }

  /**
   * Lists who else is in the topics that this node has joined, as it is now. A message that is published goes to each of them.
   *
   * @param channel One topic; without it, all of them together.
   * @returns Peer ids in base58, each once; empty once the node is closed.
   * @throws {RangeError} If `channel` is a direct channel, empty or too long.
   * @throws {TypeError} If an argument is of the wrong type.
   *
   * @example
   * ```ts
   * import { channel, P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const topic = channel.topic("chess", "lobby");
   * await node.subscribeToTopic(topic);
   * console.log(node.getTopicPeers(topic));
   * ```
   */
  getTopicPeers(channel?: string): string[] {
    const { topics } = this.#state;
    if (channel !== undefined) {
      return [...topics.get(checkTopicChannel(channel)) ?? []];
    }
    return [...new Set([...topics.values()].flat())];
  }

  /**
   * Lists the known addresses of a peer, or of this node.
   *
   * @param peerId The peer, in any spelling of its id; `""`, the default, is this node.
   * @param options `{ signal, timeout }`.
   * @returns Multiaddrs, each with `/p2p/<id>`; empty when none are known.
   * @throws {TypeError} If an argument is of the wrong type.
   * @throws {P2PError} `PEER_INVALID`, `TIMEOUT`, `CLOSED`.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const [peer] = node.getConnectedPeersInfo();
   * if (peer) console.log(await node.getNodeAddresses(peer.id));
   * ```
   */
  async getNodeAddresses(
    peerId: string = "",
    options?: CallOptions,
  ): Promise<string[]> {
    const operation = "getNodeAddresses";
    const peer = peerId === "" ? "" : checkPeerId(operation, "peerId", peerId);
    const { addrs } = await this.#state.request<{ addrs: string[] | null }>(
      operation,
      Op.ADDRESSES,
      { peer },
      options,
    );
    return addrs ?? [];
  }

  /**
   * Tells whether the node is known to be reachable by others.
   *
   * @returns `isPublic`, with `false` for unknown.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * if (!node.getReachability()) console.log("nobody can dial this node, or it is not known");
   * ```
   */
  getReachability(): boolean {
    return this.#state.isPublic === true;
  }

  /**
   * Closes the node: sends what was accepted, closes its connections, and frees what it held. Closing twice is no error.
   *
   * What was accepted may take `timeout` milliseconds to leave and be read, 10,000 by default; then the rest is closed at
   * once. What is not known to have arrived by then is told by `drop` events and in the confirmation, before this resolves.
   *
   * @param options `{ all, signal, timeout }`, or `true` for `{ all: true }`: every node of this isolate.
   * @returns A confirmation, once everything has ended; it names what did not arrive.
   * @throws {TypeError} If `options` is neither.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * const node = await P2P.create({ identityDir: "./alice" });
   * console.log(await node.close({ timeout: 2000 })); // Node 12D3KooW... closed.
   * ```
   */
  async close(options: boolean | CloseOptions = false): Promise<string> {
    const given = typeof options === "boolean" ? { all: options } : options;
    const names = ["all", "signal", "timeout"] as const;
    const { all = false, ...rest } = checkFields("options", given, names);
    checkBoolean("options.all", all);
    const { signal, timeout } = startCall("close", rest as CallOptions);
    if (!all) return await this.#state.close(timeout, signal);
    const nodes = new Set(registry().link?.nodes.values()).add(this.#state);
    const closing = Array.from(nodes, (node) => node.close(timeout, signal));
    const confirmations = await Promise.all(closing);
    const losses = confirmations.filter((text) => !text.endsWith(" closed."));
    return [`All nodes of this isolate closed (${nodes.size}).`, ...losses]
      .join(" ");
  }

  /** Lets the node keep the process alive, as it does from the start. */
  ref(): void {
    this.#state.hold(true);
  }

  /** Lets the process end although the node is open. */
  unref(): void {
    this.#state.hold(false);
  }

  /** Closes the node at the end of an `await using` block, as `close()` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * The options of a node: their types, defaults and validation. What leaves here is complete, so that the Go side has no
 * defaults of its own. The settings of the library, which all nodes share, are in `settings.ts`.
 *
 * @module
 */

import { isIP } from "node:net";
import { fileURLToPath } from "node:url";
import {
  checkBoolean,
  checkChoice,
  checkFields,
  checkInteger,
  checkList,
  checkText,
  wrongRange,
} from "./arguments.ts";

/** A way to carry connections. */
export type Transport =
  | "tcp"
  | "quic"
  | "ws"
  | "webtransport"
  | "webrtc-direct";

/** A TURN server, as in `RTCIceServer`. */
export interface TurnServer {
  /** One URI or several, for example `turn:turn.example.org:3478`. */
  urls: string | string[];
  /** The user name at the server. */
  username?: string;
  /** The password at the server. */
  credential?: string;
}

/** Servers for WebRTC connections; what is left out stays as it is. */
export interface IceServers {
  /** URIs of STUN servers, for example `stun:stun.example.org:3478`. */
  stunServers?: string[] | null;
  /** TURN servers. */
  turnServers?: TurnServer[] | null;
}

/** Upper bounds for what one node may take; what is left out scales with the memory of the machine. */
export interface NodeLimits {
  /** Connections in all, 1 or more. */
  connections?: number;
  /** Connections with one peer, 1 or more. */
  connectionsPerPeer?: number;
  /**
   * Connections that peers make from one public IP address, 1 or more; a /56 of IPv6 is one. An address of this machine or of a
   * private network may have three quarters of all. Default 8.
   */
  connectionsPerAddress?: number;
  /** Streams with one peer, 1 or more. */
  streamsPerPeer?: number;
  /**
   * Bytes of memory that may be reserved for connections, streams and messages that are being received, 1 MiB or more. Large
   * messages get half of it, 128 MiB at most.
   */
  memory?: number;
  /**
   * Bytes that direct messages of all peers together may take which the program has not taken, beside 4 MiB a peer; 1 MiB or
   * more. Half of it is for peers that this node has not dialled and does not send to. Default 33,554,432 (32 MiB).
   */
  unread?: number;
}

/** How a node is set up. Only `identityDir` is required; a node contacts nobody whom its options do not name. */
export interface P2POptions {
  /** The folder with the node's key, `identity.key`; made with mode 0700 if it is absent. A `file:` URL is taken too. */
  identityDir: string | URL;
  /** First of the ports to listen on, 0 to 65532: TCP and WebSocket on it, QUIC, WebTransport and WebRTC on the next three. 0: any free ports. Default 0. */
  port?: number;
  /** The IPv4 and IPv6 addresses to listen on. Default `["0.0.0.0"]`. */
  ips?: string[] | null;
  /** Whether peers can be reached, and this node can be reached, through relays. Default `true`. */
  enableRelayClient?: boolean;
  /** Whether this node relays for others; implies `enableRelayClient`. Default `false`. */
  enableRelayService?: boolean;
  /** Whether circuits through this relay have no limits of data and time. Default `false`. */
  useBroadLimits?: boolean;
  /** Whether peers that do not speak this network's protocols are disconnected. Default `false`. */
  isIsolated?: boolean;
  /** Whether the node is publicly reachable for certain, so that nobody is asked. Default `false`. */
  knowsIsPublic?: boolean;
  /**
   * Whether to get a certificate for secure WebSockets automatically, for a name below `libp2p.direct`, from Let's Encrypt; whoever
   * sets it agrees to their terms. It is asked for as soon as the node is known to be reachable, and kept in `identityDir`. A
   * certificate of one's own comes first. Default `false`.
   */
  enableTls?: boolean;
  /**
   * The domain of the certificate in `tlsCertPath`, under which secure WebSockets are advertised. These three options come
   * together or not at all; the files are read again when they change.
   */
  domainName?: string | null;
  /** A PEM file with the certificate chain for secure WebSockets. */
  tlsCertPath?: string | null;
  /** A PEM file with the private key of that certificate. */
  tlsKeyPath?: string | null;
  /** Whether to join the DHT through `bootstrapPeers`, to learn one's own reachability. Default `true`. */
  dhtEnabled?: boolean;
  /** Whether to stay in the DHT once the reachability is known. Default `false`. */
  dhtKeep?: boolean;
  /** Whether to go over to WebRTC where peers see each other only through a relay. Default `true`. */
  webrtcEnabled?: boolean;
  /** Whether topics are flooded (FloodSub) instead of gossiped (GossipSub). Default `false`. */
  floodSub?: boolean;
  /**
   * Bytes of the longest message that is published on a topic, as it goes through the network: with its topic, author and
   * signature, which take some 130 bytes. What is taken from others is bounded by `maxMessageSize` alone. 1 to 2,147,483,647;
   * default 65,536, which every implementation takes (see `docs/topics.md`).
   */
  maxTopicMessageSize?: number;
  /** URIs of STUN servers, for example `stun:stun.example.org:3478`. Default: none. */
  iceStunServers?: string[] | null;
  /** TURN servers. Default: none. */
  iceTurnServers?: TurnServer[] | null;
  /** How long to wait for hole punching before WebRTC is tried, in milliseconds, 0 to 600,000. Default 5,000. */
  webrtcWait?: number;
  /**
   * Whether the sender that a direct channel names has to be the one that sends: other channels are a `RangeError` where this
   * node sends, and what arrives on them is counted in `drop` events. `false` is for old peers. Default `true`.
   */
  verifyChannels?: boolean;
  /** A label for the program's own logs; kept as `node.logSub`. Default `"pub"`. */
  logSub?: string;
  /** Multiaddrs of relays, with `/p2p/<id>`, to reserve a place at when the node cannot be reached. Default: none. */
  relays?: string[];
  /** Multiaddrs of DHT peers, with `/p2p/<id>`, to begin with. Default: none. */
  bootstrapPeers?: string[];
  /** Whether to ask the router to forward ports (UPnP, NAT-PMP). Default `false`. */
  natPortMap?: boolean;
  /** Whether to replace relayed connections by direct ones through hole punching. Default `true`. */
  holePunching?: boolean;
  /** The transports to listen and dial with, one at least. Default: all of them. */
  transports?: Transport[];
  /** Upper bounds for connections, streams and memory. */
  limits?: NodeLimits;
}

/** Complete options. All but `logSub` and `verifyChannels` are, with `agent`, the body of `CREATE`. */
export type NodeConfig =
  & Required<Omit<P2POptions, "identityDir" | "iceTurnServers">>
  & {
    identityDir: string;
    iceTurnServers: (TurnServer & { urls: string[] })[];
  };

/** Every transport and how far its port lies from `port`. */
const PORT_OFFSETS: Record<Transport, number> = {
  tcp: 0,
  ws: 0,
  quic: 1,
  webtransport: 2,
  "webrtc-direct": 3,
};
const TRANSPORTS = [
  "tcp",
  "quic",
  "ws",
  "webtransport",
  "webrtc-direct",
] as const;
const TLS_OPTIONS = ["domainName", "tlsCertPath", "tlsKeyPath"] as const;

type Check<T> = (name: string, value: unknown) => T;
type Row<T> = readonly [check: Check<T>, byDefault: () => T];

const orNull = (check: Check<string>): Check<string | null> => (name, value) =>
  value === null ? null : check(name, value);
/** A list in which null, like nothing, means the default. */
const listOf =
  <T>(check: Check<T>, whenEmpty: T[] = []): Check<T[]> => (name, value) => {
    const list = value === null ? [] : checkList(name, value, check);
    return list.length > 0 ? list : whenEmpty;
  };
const flag = (
  byDefault: boolean,
): Row<boolean> => [checkBoolean, () => byDefault];
const texts: Row<string[]> = [listOf(checkText), () => []];
const path: Row<string | null> = [orNull(checkText), () => null];

const ROWS: { readonly [K in keyof NodeConfig]: Row<NodeConfig[K]> } = {
  identityDir: [checkFolder, () => checkFolder("identityDir", undefined)],
  port: [(name, value) => checkInteger(name, value, 0, 65535), () => 0],
  ips: [listOf(checkIp, ["0.0.0.0"]), () => ["0.0.0.0"]],
  enableRelayClient: flag(true),
  enableRelayService: flag(false),
  useBroadLimits: flag(false),
  isIsolated: flag(false),
  knowsIsPublic: flag(false),
  enableTls: flag(false),
  domainName: path,
  tlsCertPath: path,
  tlsKeyPath: path,
  dhtEnabled: flag(true),
  dhtKeep: flag(false),
  webrtcEnabled: flag(true),
  floodSub: flag(false),
  maxTopicMessageSize: [
    (name, value) => checkInteger(name, value, 1, 2 ** 31 - 1),
    () => 65_536,
  ],
  iceStunServers: texts,
  iceTurnServers: [listOf(checkTurnServer), () => []],
  webrtcWait: [
    (name, value) => checkInteger(name, value, 0, 600_000),
    () => 5000,
  ],
  verifyChannels: flag(true),
  logSub: [checkText, () => "pub"],
  relays: texts,
  bootstrapPeers: texts,
  natPortMap: flag(false),
  holePunching: flag(true),
  transports: [checkTransports, () => [...TRANSPORTS]],
  limits: [checkLimits, () => ({})],
};

/** Validates the options of `P2P.create` and fills in the defaults. */
export function checkOptions(options: unknown): NodeConfig {
  const given = checkFields("options", options, Object.keys(ROWS));
  const config = Object.fromEntries(
    Object.entries(ROWS).map(([name, [check, byDefault]]) => [
      name,
      given[name] === undefined
        ? byDefault()
        : (check as Check<unknown>)(`options.${name}`, given[name]),
    ]),
  ) as unknown as NodeConfig;
  const highest = 65535 -
    Math.max(...config.transports.map((name) => PORT_OFFSETS[name]));
  if (config.port > highest) {
    throw wrongRange("options.port", `at most ${highest}`, config.port);
  }
  const absent = TLS_OPTIONS.filter((name) => config[name] === null);
  if (absent.length === 1 || absent.length === 2) {
    throw new TypeError(
      `options.${TLS_OPTIONS.join(", ")} come together; ` +
        `${absent.join(" and ")} not given`,
    );
  }
  return config;
}

/** Validates what `setIceConfig` is given; null is what stays as it is. */
export function checkIceServers(servers: unknown) {
  const given = checkFields("servers", servers, ["stunServers", "turnServers"]);
  const list = <T>(name: "stunServers" | "turnServers", check: Check<T>) =>
    given[name] == null
      ? null
      : checkList(`servers.${name}`, given[name], check);
  return {
    stunServers: list("stunServers", checkText),
    turnServers: list("turnServers", checkTurnServer),
  };
}

function checkFolder(name: string, value: unknown): string {
  if (!(value instanceof URL)) return checkText(name, value);
  if (value.protocol !== "file:") {
    throw wrongRange(name, "a path or a file: URL", value.href);
  }
  return fileURLToPath(value);
}

function checkIp(name: string, value: unknown): string {
  const text = checkText(name, value);
  if (isIP(text) === 0) throw wrongRange(name, "an IP address", text);
  return text;
}

function checkTurnServer(name: string, value: unknown) {
  const server = checkFields(name, value, ["urls", "username", "credential"]);
  const urls = typeof server.urls === "string" ? [server.urls] : server.urls;
  const checked: TurnServer & { urls: string[] } = {
    urls: checkList(`${name}.urls`, urls, checkText),
  };
  for (const field of ["username", "credential"] as const) {
    if (server[field] === undefined) continue;
    checked[field] = checkText(`${name}.${field}`, server[field]);
  }
  return checked;
}

function checkTransports(name: string, value: unknown): Transport[] {
  const list = checkList(
    name,
    value,
    (name, item) => checkChoice(name, item, TRANSPORTS),
  );
  if (list.length === 0) throw wrongRange(name, "one transport at least", "[]");
  return [...new Set(list)];
}

function checkLimits(name: string, value: unknown): NodeLimits {
  const smallest: Record<keyof NodeLimits, number> = {
    connections: 1,
    connectionsPerPeer: 1,
    connectionsPerAddress: 1,
    streamsPerPeer: 1,
    memory: 1 << 20,
    unread: 1 << 20,
  };
  const given = checkFields(name, value, Object.keys(smallest));
  const limits: NodeLimits = {};
  for (const field of Object.keys(smallest) as (keyof NodeLimits)[]) {
    if (given[field] === undefined) continue;
    limits[field] = checkInteger(
      `${name}.${field}`,
      given[field],
      smallest[field],
      Number.MAX_SAFE_INTEGER,
    );
  }
  return limits;
}

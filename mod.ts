/**
 * A whole libp2p node for Deno, Bun and Node.js: go-libp2p in one native library.
 *
 * @example For two terminals: `hello.ts alice` waits, `hello.ts bob <address>` greets the address that the first printed
 * ```ts
 * import { P2P } from "@unaiverse/p2p";
 * import process from "node:process";
 *
 * const [name = "alice", address] = process.argv.slice(2);
 * await using node = await P2P.create({ identityDir: name, ips: ["127.0.0.1"] });
 * console.log(`${name} listens on ${node.addresses[0]}`);
 *
 * if (address) {
 *   const peer = await node.connectTo([address]);
 *   await node.send(peer.id, `hello from ${name}`);
 * }
 * for await (const message of node.messages()) {
 *   console.log(`${message.from} says: ${message.text()}`);
 *   if (!address) await node.send(message.from, `hello, this is ${name}`);
 * }
 * ```
 *
 * @module
 */

export {
  channel,
  type ChannelNames,
  type DirectChannel,
  type TopicChannel,
} from "./src/channel.ts";
export type { CallOptions, CloseOptions } from "./src/deadline.ts";
export {
  P2PError,
  type P2PErrorCode,
  type P2PErrorDetails,
} from "./src/errors.ts";
export {
  type AddressesDetail,
  type CloseDetail,
  type DropDetail,
  type P2PEventListener,
  type P2PEventMap,
  P2PEventTarget,
  type Reachability,
  type ReachabilityDetail,
  type RendezvousDetail,
  type ReservationDetail,
  type ReservationLostDetail,
  type TopicPeersDetail,
  type WarningDetail,
  type WebRtcDetail,
} from "./src/events.ts";
export type { Messages, MessagesOptions } from "./src/iterator.ts";
export type { Message, MessageData } from "./src/message.ts";
export type { SendOptions } from "./src/messaging.ts";
export type {
  IceServers,
  NodeLimits,
  P2POptions,
  Transport,
  TurnServer,
} from "./src/options.ts";
export { P2P } from "./src/p2p.ts";
export type {
  ConnectedPeer,
  Connection,
  Roster,
  RosterPeer,
  WebRtcConnection,
} from "./src/peers.ts";
export { Sender } from "./src/sender.ts";
export { type Preset, type Presets, presets } from "./src/presets.ts";
export type {
  LibrarySettings,
  LogLevel,
  LogRecord,
  Overflow,
} from "./src/settings.ts";

/**
 * Networks by name: what a node needs to know of them, to be spread into the options of `P2P.create`.
 *
 * @module
 */

import type { P2POptions } from "./options.ts";

/** What a node needs to know of a network. */
export type Preset =
  & Required<
    Pick<P2POptions, "relays" | "bootstrapPeers">
  >
  & {
    /** URIs of STUN servers. */
    iceStunServers: string[];
  };

/** The networks that this module knows. */
export interface Presets {
  /** The public network of UNaIVERSE: its relays, public STUN servers, and the bootstrap peers of the DHT that it uses. */
  unaiverse: Preset;
}

const UNAIVERSE = "159.195.197.171";
const UNAIVERSE_NAME = "misc.unaiverse.io";

/** What of a relay's addresses stays the same when it is restarted. */
function relay(port: number, peerId: string): string[] {
  return [
    `/ip4/${UNAIVERSE}/tcp/${port}/p2p/${peerId}`,
    `/ip4/${UNAIVERSE}/udp/${port + 1}/quic-v1/p2p/${peerId}`,
    `/dns4/${UNAIVERSE_NAME}/tcp/${port}/tls/ws/p2p/${peerId}`,
  ];
}

const BOOTSTRAP = "/dnsaddr/bootstrap.libp2p.io/p2p";

/**
 * Options for joining a network by its name. A node contacts nobody whom its options do not name; these name somebody.
 *
 * @example Joining UNaIVERSE
 * ```ts
 * import { P2P, presets } from "@unaiverse/p2p";
 *
 * await using node = await P2P.create({
 *   identityDir: "./alice",
 *   ...presets.unaiverse,
 * });
 * ```
 */
export const presets: Presets = {
  unaiverse: {
    relays: [
      ...relay(30060, "12D3KooWEXse6zf6g6rsFckJqXA6SWWrENNB3oN8tG5qPEPWV5do"),
      ...relay(30070, "12D3KooWKSQXVsqfSDJ1MrAD3b4FMCbtAaqKusKKsUXY2QNn2yr6"),
    ],
    iceStunServers: [
      "stun:stun.l.google.com:19302",
      "stun:global.stun.twilio.com:3478",
      "stun:stun.cloudflare.com:3478",
      "stun:stun.services.mozilla.com:3478",
    ],
    bootstrapPeers: [
      `${BOOTSTRAP}/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN`,
      `${BOOTSTRAP}/QmQCU2EcMqAqQPR2i9bChDtGNJchTbq5TbXJJ16u19uLTa`,
      `${BOOTSTRAP}/QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb`,
      `${BOOTSTRAP}/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt`,
      "/ip4/104.131.131.82/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ",
    ],
  },
};

/**
 * What a program gets to know of connected peers.
 *
 * @module
 */

/** A peer that this node is connected to. */
export interface ConnectedPeer {
  /** The peer id. */
  id: string;
  /** Its known addresses, or where its connections come from, as multiaddrs without `/p2p/<id>`. */
  addrs: string[];
  /** When the first connection was made: ISO 8601, UTC. */
  connectedAt: string;
  /** Who made it: `inbound` is the peer, `outbound` this node. */
  direction: "inbound" | "outbound";
  /** Bits that a world sets for its agents; 0 for all others. */
  misc: number;
  /** Whether every connection goes through a relay. */
  relayed: boolean;
  /** What the best connection goes over, for example `quic` or `relay`. */
  transport: string;
}

/** A WebRTC connection, which carries direct messages where libp2p has relays only. */
export interface WebRtcConnection {
  /** The peer id. */
  peerId: string;
  /** `open` once messages go over it. */
  state: "open" | "connecting";
}

/** Who `connectTo` has reached. */
export interface Connection {
  /** The peer id. */
  id: string;
  /** The address that was reached. */
  addrs: string[];
}

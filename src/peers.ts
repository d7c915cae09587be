/**
 * What a program gets to know of peers: those that are connected, and those that a world announces.
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

/** An agent that a world has announced. */
export interface RosterPeer {
  /** The peer id. */
  id: string;
  /** Its addresses: multiaddrs without `/p2p/<id>`. */
  addrs: string[];
  /** When it joined: ISO 8601, UTC. */
  connectedAt: string;
  /** Who dialled, as the world sees it. */
  direction: "inbound" | "outbound";
  /** Bits that the world sets: 1 is an agent of the world, 2 a master. */
  misc: number;
  /** Whether the world reaches it through a relay. */
  relayed: boolean;
}

/** What a world has announced. */
export interface Roster {
  /** Its agents. */
  peers: RosterPeer[];
  /** Grows with each announcement; one that is not larger than the last is ignored. */
  updateCount: number;
}

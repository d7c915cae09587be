/**
 * The bodies of `EVENT` records, as `docs/boundary.md` lists them. What programs get to see is made from them in `state.ts`.
 *
 * @module
 */

import type { LogRecord } from "../settings.ts";
import type { ConnectedPeer, WebRtcConnection } from "../peers.ts";

/** An event of one node. */
export type NodeEvent =
  | { type: "peerconnect" | "peerupdate"; peer: ConnectedPeer }
  | { type: "peerdisconnect"; peer: ConnectedPeer }
  | { type: "addresses"; addresses: string[] }
  | {
    type: "reachability";
    reachability: "public" | "private" | "unknown";
    isPublic: boolean | null;
  }
  | {
    type: "reservation";
    relay: string;
    expires: string | null;
    addresses: string[];
  }
  | { type: "reservationlost"; relay: string; reason: string }
  | { type: "webrtc"; connections: WebRtcConnection[] }
  | { type: "topicpeers"; topic: string; peers: string[] }
  | { type: "inlet"; inlet: number; peer: string; transport: string }
  | { type: "inletclosed"; inlet: number }
  | { type: "outletlimited"; outlet: number; limited: boolean }
  | {
    type: "outletdown";
    outlet: number;
    peer: string;
    code: string;
    message: string;
    lostMessages: number;
    lostBytes: number;
  }
  | {
    type: "drop";
    reason: string;
    channel?: string;
    peer?: string;
    why?: string;
    messages: number;
    bytes: number;
    upTo?: boolean;
  }
  | { type: "warning"; code: string; message: string };

/** An event of the library. */
export type LibraryEvent =
  | { type: "log" } & LogRecord
  | { type: "warning"; code: string; message: string };

/** The body of a failed `ANSWER`. */
export interface Failure {
  code: string;
  message: string;
  peer?: string;
}

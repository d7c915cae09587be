/**
 * Rendezvous: on a topic whose name ends in `:rv` a world announces its agents. A node follows one such topic at a time; what
 * comes on it does not go to the mailbox.
 *
 * @module
 */

import {
  checkFields,
  checkInteger,
  checkList,
  checkText,
  wrongRange,
  wrongType,
} from "./arguments.ts";
import { isRendezvous, ownerOf } from "./channel.ts";
import type { Dropped, Drops } from "./drops.ts";
import type { RendezvousDetail } from "./events.ts";
import { decodeMessage, encodeMessage } from "./messages/mod.ts";
import { isSamePeer } from "./peer_id.ts";
import type { Roster, RosterPeer } from "./peers.ts";

const CONTENT_TYPE = "world_agents_list";
/** A roster of more bytes or peers is refused, because the owner of a topic is a stranger too. */
const MAX_ROSTER_BYTES = 4 << 20;
const MAX_ROSTER_PEERS = 10_000;
/** What multiformats writes peer ids with. */
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{40,64}$/;
/** What Go's time.Time can read. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** The world that a node follows, and what it announced last. */
export class Rendezvous {
  #topic?: string;
  #roster: Roster | null = null;
  readonly #drops: Drops;
  readonly #tell: (detail: RendezvousDetail) => void;

  constructor(drops: Drops, tell: (detail: RendezvousDetail) => void) {
    this.#drops = drops;
    this.#tell = tell;
  }

  /** What was announced last; null when nothing came yet. */
  get roster(): Roster | null {
    return structuredClone(this.#roster);
  }

  /** Follows a topic from now on; tells which one was followed before, if that was another. */
  follow(topic: string): string | undefined {
    if (topic === this.#topic) return undefined;
    const before = this.#topic;
    this.#topic = topic;
    this.#roster = null;
    return before;
  }

  /** Follows a topic no longer. */
  leave(topic: string): void {
    if (topic === this.#topic) this.end();
  }

  /** Follows nothing any more. */
  end(): void {
    this.#topic = undefined;
    this.#roster = null;
  }

  /** Takes what came on a rendezvous topic. */
  receive(message: Dropped): void {
    const { channel: topic, from, data } = message;
    if (topic !== this.#topic) return;
    if (!isSamePeer(from, ownerOf(topic))) {
      return this.#drops.add("sender-refused", message);
    }
    const roster = decodeRoster(data);
    if (roster === null) return this.#drops.add("roster-refused", message);
    const { peers, updateCount, refused } = roster;
    if (this.#roster && updateCount <= this.#roster.updateCount) return;
    if (refused > 0) {
      const entries = { ...message, data: new Uint8Array(0) };
      this.#drops.add("roster-refused", entries, refused);
    }
    this.#roster = { peers, updateCount };
    this.#tell({ topic, ...structuredClone(this.#roster) });
  }
}

/** A roster as it is published by the owner of its topic; checked, because one bad entry makes a Python node refuse all of it. */
export function encodeRoster(
  self: string,
  topic: unknown,
  roster: unknown,
): Uint8Array {
  const channel = checkText("channel", topic);
  if (!isRendezvous(channel) || !isSamePeer(ownerOf(channel), self)) {
    throw wrongRange("channel", `this node's own, "${self}::ps:rv"`, channel);
  }
  const given = checkFields("roster", roster, ["peers", "updateCount"]);
  const update_count = checkInteger(
    "roster.updateCount",
    given.updateCount,
    0,
    Number.MAX_SAFE_INTEGER,
  );
  if (Array.isArray(given.peers) && given.peers.length > MAX_ROSTER_PEERS) {
    const wanted = `at most ${MAX_ROSTER_PEERS}`;
    throw wrongRange("roster.peers.length", wanted, given.peers.length);
  }
  const peers = checkList("roster.peers", given.peers, (name, peer) => {
    if (typeof peer !== "object" || peer === null) {
      throw wrongType(name, "an object", peer);
    }
    const { connectedAt, ...rest } = peer as Record<string, unknown>;
    const entry = { ...rest, connected_at: connectedAt };
    if (readPeer(entry)) return entry;
    throw wrongRange(name, "a roster entry with valid fields", peer);
  });
  const message = encodeMessage({
    sender: self,
    contentType: CONTENT_TYPE,
    channel,
    content: { kind: "json", value: { peers, update_count } },
  });
  if (message.length <= MAX_ROSTER_BYTES) return message;
  const wanted = `at most ${MAX_ROSTER_BYTES} bytes when it is written`;
  throw wrongRange("roster", wanted, message.length);
}

function decodeRoster(data: Uint8Array): Roster & { refused: number } | null {
  if (data.length > MAX_ROSTER_BYTES) return null;
  try {
    // There are no tensors in a roster.
    const { contentType, content } = decodeMessage(data, {
      maxDecompressedSize: 0,
    });
    if (contentType !== CONTENT_TYPE || content.kind !== "json") return null;
    const { peers, update_count } = content.value as Record<string, unknown>;
    if (!Array.isArray(peers) || peers.length > MAX_ROSTER_PEERS) return null;
    if (!Number.isInteger(update_count)) return null;
    const readable = peers.map(readPeer).filter((peer) => peer !== null);
    return {
      peers: readable,
      updateCount: update_count as number,
      refused: peers.length - readable.length,
    };
  } catch {
    return null;
  }
}

/** One entry as it is on the wire; null when it is not one. */
function readPeer(entry: unknown): RosterPeer | null {
  if (typeof entry !== "object" || entry === null) return null;
  const { id, addrs, connected_at, direction, misc, relayed } = entry as Record<
    string,
    unknown
  >;
  const valid = typeof id === "string" && PEER_ID.test(id) &&
    Array.isArray(addrs) && addrs.every(isMultiaddr) &&
    typeof connected_at === "string" && TIME.test(connected_at) &&
    (direction === "inbound" || direction === "outbound") &&
    Number.isInteger(misc) && typeof relayed === "boolean";
  if (!valid) return null;
  return {
    id: id as string,
    addrs: addrs as string[],
    connectedAt: connected_at as string,
    direction: direction as RosterPeer["direction"],
    misc: misc as number,
    relayed: relayed as boolean,
  };
}

function isMultiaddr(addr: unknown): boolean {
  return typeof addr === "string" && addr.length > 1 && addr.startsWith("/") &&
    !addr.endsWith("/") && !addr.includes("//");
}

/** The floods of bench/faults: who floods what with what, and what the node may take of memory meanwhile. */
import { setTimeout as delay } from "node:timers/promises";
import type { Attacker } from "./attacker.ts";
import type { Account, Told } from "./ledger.ts";
import type { Party } from "./party.ts";
import type { Session } from "./session.ts";

/** What the good peer and the victim say to each other. */
interface Traffic {
  /** The good peer sends to the victim, or publishes to it, or the victim publishes to the good peer. */
  way: "direct" | "topic in" | "topic out";
  size: number;
  /** Messages a second. */
  rate: number;
}

/** A flood while it goes on. */
export interface Stage {
  session: Session;
  victim: Party;
  good: Party;
  attacker: Attacker;
  seconds: number;
}

/** One way to flood a node. */
export interface Flood {
  /** What the attacker does, as it calls it. */
  kind: string;
  /** How many identities it has at once. */
  peers: number;
  traffic: Traffic;
  /** Whether the victim's program reads. */
  reads: boolean;
  /** The most that the docs allow for what is flooded, in MB. */
  boundMB: number;
  /** What else happens; answers what was wrong. */
  meanwhile?(stage: Stage): Promise<string[]>;
  /** What is wrong with what the victim told, and with what the good peer or the victim sent, `beside` of it during the flood. */
  judge?(told: Told[], account: Account, beside: number): string[];
}

const DIRECT: Traffic = { way: "direct", size: 64 << 10, rate: 400 };
/** Messages of 32 KiB that a stream's window and buffers hold. */
const ON_ITS_WAY = 1024;
const COST = 0.01;
/** How soon a channel is there, before the victim makes an offer by itself. */
const CHANNEL_MS = 4000;
const NEWCOMERS = 5;
const NEWCOMER_MS = 10_000;
/** Where newcomers come from: an address that the strangers do not have. */
const ELSEWHERE = "127.0.0.2";

/** All of them. */
export const FLOODS: Flood[] = [
  { kind: "subscriptions", peers: 1, traffic: DIRECT, reads: true, boundMB: 8 },
  {
    kind: "deaf",
    peers: 1,
    traffic: { way: "topic out", size: 32 << 10, rate: 500 },
    reads: true,
    boundMB: 34,
    judge: countUnsent,
  },
  { kind: "unfinished", peers: 8, traffic: DIRECT, reads: true, boundMB: 64 },
  {
    kind: "offers",
    peers: 4,
    traffic: DIRECT,
    reads: true,
    boundMB: 8,
    meanwhile: meetByRelay,
  },
  { kind: "short-lived", peers: 4, traffic: DIRECT, reads: true, boundMB: 0 },
  {
    kind: "visited",
    peers: 1,
    traffic: DIRECT,
    reads: true,
    boundMB: 0,
    meanwhile: visit,
  },
  {
    kind: "strangers",
    peers: 300,
    traffic: DIRECT,
    reads: false,
    // What all may have unread and the window of one friend, and for each connection itself and yamux's first window of its stream.
    boundMB: 32 + 4 + 300 * (0.15 + 0.25),
  },
  {
    kind: "badly signed",
    peers: 8,
    traffic: { way: "topic in", size: 100, rate: 300 },
    reads: true,
    boundMB: 0,
    judge: countCost,
  },
  {
    kind: "connections",
    peers: 316,
    traffic: DIRECT,
    reads: true,
    boundMB: 316 * 0.15,
    meanwhile: welcome,
  },
];

/** The victim sends a message to each peer that comes up, and each of those goes then. */
async function visit(stage: Stage): Promise<string[]> {
  const { victim, attacker, seconds } = stage;
  const visits = { made: 0, failed: 0 };
  attacker.onvisit = (addresses) => {
    victim.order("greet", { addresses }).then(
      () => visits.made++,
      () => visits.failed++,
    );
  };
  await delay(seconds * 1000);
  attacker.onvisit = undefined;
  return visits.made > 0 ? [] : [`${visits.failed} visits failed, none made`];
}

/** What a subscriber that does not read was not sent is told, but for what may be on its way in windows and buffers. */
function countUnsent(told: Told[], _: Account, beside: number): string[] {
  const unsent = told.filter(({ reason }) => reason === "pubsub-outbound")
    .reduce((sum, { messages }) => sum + messages, 0);
  const silent = Math.round(beside) - unsent - ON_ITS_WAY;
  return silent > 0 ? [`${silent} not sent and not told`] : [];
}

/** Until such peers are cut a good one may lose a little. */
function countCost(_: Told[], { accepted, lost }: Account): string[] {
  return lost > accepted * COST ? [`${lost} lost by the good peer`] : [];
}

/** A peer that reaches the victim through a relay gets a WebRTC channel to it while the flood goes on. */
async function meetByRelay(stage: Stage): Promise<string[]> {
  const { session, victim, good, seconds } = stage;
  const options = { transports: ["tcp" as const], holePunching: false };
  const service = { enableRelayService: true, knowsIsPublic: true };
  const relay = await session.join(good.peer, { ...options, ...service });
  await victim.order("connect", { addresses: relay.addresses });
  const through = await victim.order("reserve", { relay: relay.peerId });
  await delay(seconds * 1000 / 4);
  const friend = await session.join(good.peer, { ...options, webrtcWait: 0 });
  await friend.order("connect", { addresses: through });
  const { peerId: peer } = victim;
  return await friend.order("channelled", { peer }, CHANNEL_MS)
    .then(() => [], () => ["no WebRTC channel beside the flood"]);
}

/** Newcomers connect while the flood goes on. */
async function welcome(stage: Stage): Promise<string[]> {
  const { session, victim, good, seconds } = stage;
  let refused = 0;
  for (let i = 0; i < NEWCOMERS; i++) {
    await delay(seconds * 1000 / (NEWCOMERS + 1));
    const options = { transports: ["tcp" as const], ips: [ELSEWHERE] };
    const party = await session.join(good.peer, options);
    const { addresses } = victim;
    await party.order("connect", { addresses, timeout: NEWCOMER_MS })
      .catch(() => refused++);
  }
  return refused > 0 ? [`${refused} of ${NEWCOMERS} newcomers refused`] : [];
}

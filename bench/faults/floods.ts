/**
 * Strangers that flood a node, each in a way of its own, for a minute: the node's memory stays within what the docs say, and a good peer
 * beside them keeps half of its speed or more.
 */
import { statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Runtime } from "../../scripts/runtimes.ts";
import { Attacker, buildAttacker } from "./attacker.ts";
import { Peer, rssMB } from "./control.ts";
import { Profiled } from "./samples.ts";
import { type Flood, FLOODS } from "./flood.ts";
import type { Party } from "./party.ts";
import { countLog } from "./reader.ts";
import {
  attempt,
  type Program,
  progress,
  type Request,
  type Row,
} from "./report.ts";
import { Session } from "./session.ts";

/** How long the good peer is alone, for comparison. */
const ALONE_MS = 10_000;
const LOOK_EVERY_MS = 100;
/** What a node may take beyond the bound of what is flooded. */
const MARGIN_MB = 50;
/** What may stay in Go's heap when the strangers are gone, such as their addresses, and how long after. */
const STAYS_MB = 16;
const AFTER_MS = 5000;
const SHARE = 0.5;
const CLOSE_MS = 10_000;

/** See the head of the file. */
export const floods: Program = {
  title: "Floods",
  usual: { runs: FLOODS.length, seconds: 60 },
  run,
};

async function* run(request: Request): AsyncIterable<Row> {
  await buildAttacker();
  const { runtimes, runs, only } = request;
  for (const runtime of runtimes) {
    for (const [number, flood] of FLOODS.slice(0, runs).entries()) {
      if (only !== undefined && only !== number) continue;
      progress(`${runtime.name}: ${number} ${flood.kind}`);
      const about = { number, runtime: runtime.name, flood: flood.kind };
      yield await attempt(about, () => once(runtime, flood, request));
    }
  }
}

async function once(
  runtime: Runtime,
  flood: Flood,
  { seconds, seed }: Request,
): Promise<Row> {
  await using left = await Profiled.start(runtime);
  await using right = await Peer.start(runtime);
  await using session = new Session();
  const options = { transports: ["tcp" as const], holePunching: false };
  const victim = await session.join(left.peer, options);
  const good = await session.join(right, options);
  await good.order("connect", { addresses: victim.addresses });
  const reader = await befriend(session, victim, good, flood, seed);
  const alone = await speed(reader, ALONE_MS);
  const before = rssMB(left.peer.pid);
  const heap = await left.goHeapMB();

  const attacker = new Attacker({
    kind: flood.kind,
    to: victim.addresses[0],
    peers: flood.peers,
    topic: session.topic ?? "",
  });
  const watching = peakOf(left.peer.pid, seconds * 1000);
  const stage = { session, victim, good, attacker, seconds };
  const [beside, peak, broken] = await Promise.all([
    speed(reader, seconds * 1000),
    watching,
    flood.meanwhile?.(stage) ?? [],
  ]);
  const attacks = await attacker.end();
  await delay(AFTER_MS);
  const stays = Math.round(await left.goHeapMB() - heap);
  // What a program has not read stays.
  if (flood.reads && stays > STAYS_MB) broken.push(`keeps ${stays} MB`);
  const grown = Math.round(peak - before);
  if (grown > flood.boundMB + MARGIN_MB) {
    broken.push(`grows by ${grown} MB, not ${flood.boundMB} + ${MARGIN_MB}`);
  }
  const share = Math.round(100 * beside / alone) / 100;
  if (flood.reads && !(share >= SHARE)) broken.push("the good peer is slowed");
  await victim.order("hurry", {});
  broken.push(...await session.end(CLOSE_MS));
  const { account, told, broken: found } = await session.total();
  const { accepted, arrived, lost } = account;
  const { told: tellings } = await victim.state();
  broken.push(...flood.judge?.(tellings, account, beside * seconds) ?? []);
  return {
    "alone/s": Math.round(alone),
    "beside/s": Math.round(beside),
    share,
    before: Math.round(before),
    grown,
    stays,
    bound: flood.boundMB,
    accepted,
    arrived,
    lost,
    ...told,
    attacks: JSON.stringify(attacks),
    broken: [...broken, ...found],
  };
}

/** Lets the good peer and the victim begin to talk; answers who reads. */
async function befriend(
  session: Session,
  victim: Party,
  good: Party,
  { traffic, reads }: Flood,
  seed: number,
): Promise<Party> {
  const how = { seed, rate: traffic.rate };
  const sizes = { smallest: traffic.size, largest: traffic.size };
  const reader = traffic.way === "topic out" ? good : victim;
  await reader.read({ seed, ...reads ? {} : { stopAfter: 1 } });
  if (traffic.way === "direct") {
    await session.send(good, victim, { ...how, ...sizes, way: "awaited" });
  } else {
    const author = traffic.way === "topic out" ? victim : good;
    await session.publish(author, [reader], { ...how, ...sizes });
  }
  return reader;
}

/** How many messages a second a node's program takes. */
async function speed({ log }: Party, ms: number): Promise<number> {
  const began = performance.now();
  const before = statSync(log).size;
  await delay(ms);
  const count = countLog(statSync(log).size - before);
  return 1000 * count / (performance.now() - began);
}

/** The most memory that a process takes while it is looked at. */
async function peakOf(pid: number, ms: number): Promise<number> {
  let peak = 0;
  for (const end = performance.now() + ms; performance.now() < end;) {
    peak = Math.max(peak, rssMB(pid));
    await delay(LOOK_EVERY_MS);
  }
  return peak;
}

/**
 * A peer that is gone for a while and comes back where it was: a sender that went on trying reaches it at once. And two peers that dial each
 * other at the same moment over TCP: they end up connected.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Transport } from "../../mod.ts";
import type { Runtime } from "../../scripts/runtimes.ts";
import { findFreePorts } from "../../tests/support/ports.ts";
import { Peer } from "./control.ts";
import {
  attempt,
  type Program,
  progress,
  type Request,
  type Row,
} from "./report.ts";
import type { Party } from "./party.ts";
import { Session } from "./session.ts";

const TRANSPORTS: Transport[] = ["quic", "tcp", "ws"];
const BACK_MS = 1000;
/** How long a sender that does not get through is waited for. */
const PATIENCE_MS = 60_000;
const SIZES = { smallest: 16, largest: 100 };
const DIAL_MS = 30_000;
const ROWS_EVERY = 200;

/** See the head of the file. */
export const outage: Program = {
  title: "A peer that was gone, and two that dial each other",
  usual: { runs: 1000, seconds: 150 },
  run,
};

async function* run(request: Request): AsyncIterable<Row> {
  for (const runtime of request.runtimes) {
    const gone = TRANSPORTS.map((transport) =>
      attempt(
        { runtime: runtime.name, transport, seconds: request.seconds },
        () => comeBack(runtime, transport, request),
      )
    );
    yield* await Promise.all(gone);
    yield await attempt(
      { runtime: runtime.name, rounds: request.runs },
      () => meet(runtime, request.runs),
    );
  }
}

async function comeBack(
  runtime: Runtime,
  transport: Transport,
  { seconds, seed }: Request,
): Promise<Row> {
  await using left = await Peer.start(runtime);
  await using right = await Peer.start(runtime);
  await using again = await Peer.start(runtime);
  await using session = new Session();
  const transports = [transport];
  const identityDir = session.folder("identity");
  const place = { transports, identityDir, port: await findFreePorts() };
  const a = await session.join(left, { transports });
  const b = await session.join(right, place);
  await a.order("connect", { addresses: b.addresses });
  await b.read({ seed });
  await session.send(a, b, { ...SIZES, seed, way: "awaited", rate: 50 });
  await session.arrival(b);
  await right.kill();
  await delay(seconds * 1000);
  const back = await session.join(again, place, b);
  const began = performance.now();
  await back.read({ seed });
  const came = await session.arrival(back, PATIENCE_MS);
  const ms = Math.round(performance.now() - began);
  const { flows: [{ codes }] } = await a.state();
  await session.end(BACK_MS);
  const { account, told, broken } = await session.total();
  if (!came) broken.unshift("the sender did not get through");
  else if (ms > BACK_MS) broken.unshift(`back after ${ms} ms`);
  const { accepted, arrived } = account;
  return { ms, accepted, arrived, ...told, refusals: words(codes), broken };
}

function words(codes: Record<string, number>): string {
  return Object.entries(codes).map(([code, count]) => `${code} ${count}`)
    .join(", ");
}

/** Lets two peers dial each other again and again. */
async function meet(runtime: Runtime, rounds: number): Promise<Row> {
  await using left = await Peer.start(runtime);
  await using right = await Peer.start(runtime);
  await using session = new Session();
  const options = { transports: ["tcp" as const] };
  const a = await session.join(left, options);
  const b = await session.join(right, options);
  const counts = { connected: 0, oneRefused: 0, bothRefused: 0 };
  const broken: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    const dialled = await Promise.allSettled([dial(a, b), dial(b, a)]);
    const refused = dialled.filter(({ status }) => status === "rejected");
    if (refused.length === 1) counts.oneRefused++;
    if (refused.length === 2) counts.bothRefused++;
    if (await sees(a, b) && await sees(b, a)) counts.connected++;
    for (const [one, other] of [[a, b], [b, a]]) {
      await one.order("disconnect", { peer: other.peerId });
    }
    if (round % ROWS_EVERY === 0) progress(`${round} of ${rounds} rounds`);
  }
  const apart = rounds - counts.connected;
  if (apart > 0) broken.push(`${apart} rounds ended apart`);
  if (counts.bothRefused > 0) broken.push("both were refused");
  return { ...counts, broken };
}

function dial(from: Party, to: Party): Promise<void> {
  const { addresses } = to;
  return from.order("connect", { addresses, timeout: DIAL_MS });
}

/** Whether a node sees another, at once or as soon as it hears of it. */
async function sees(one: Party, other: Party): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    const { peers } = await one.state();
    if (peers.includes(other.peerId)) return true;
    await delay(10);
  }
  return false;
}

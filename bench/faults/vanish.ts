/**
 * A peer that vanishes: its process is killed while a forwarder in front of it falls silent, so that nobody says a word to the sender. The
 * sender takes little of the processor, its close ends within its timeout, and what was accepted and did not arrive is told.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Transport } from "../../mod.ts";
import type { Runtime } from "../../scripts/runtimes.ts";
import { cpuSeconds, Peer } from "./control.ts";
import { forward } from "./forwarder.ts";
import { attempt, type Program, type Request, type Row } from "./report.ts";
import { Session } from "./session.ts";

const TRANSPORTS: Transport[] = ["quic", "webtransport", "tcp", "ws"];
const SIZES = { smallest: 1, largest: 20_000, spread: true };
/** How long the peers talk before one vanishes. */
const TALK_MS = 1500;
const IDLE_MESSAGES = 100;
/** The processor is looked at for so long, at the end. */
const LOOK_MS = 10_000;
/** How much of a processor a sender may take whose peer is gone, while it does nothing and while it goes on trying. */
const IDLE_CPU = 0.03;
const BUSY_CPU = 0.15;
const CLOSE_MS = 3000;

/** See the head of the file. */
export const vanish: Program = {
  title: "A peer that vanishes",
  usual: { runs: 1, seconds: 60 },
  run,
};

async function* run({ runtimes, seconds, seed }: Request): AsyncIterable<Row> {
  for (const runtime of runtimes) {
    const cases = TRANSPORTS.flatMap((transport) =>
      [false, true].map((busy) =>
        attempt(
          { runtime: runtime.name, transport, busy },
          () => once(runtime, transport, busy, seconds * 1000, seed),
        )
      )
    );
    // They wait most of the time.
    yield* await Promise.all(cases);
  }
}

async function once(
  runtime: Runtime,
  transport: Transport,
  busy: boolean,
  ms: number,
  seed: number,
): Promise<Row> {
  await using left = await Peer.start(runtime);
  await using right = await Peer.start(runtime);
  await using session = new Session();
  const options = { transports: [transport] };
  const a = await session.join(left, options);
  const b = await session.join(right, options);
  await using forwarder = await forward(b.addresses[0]);
  await a.order("connect", { addresses: [forwarder.address] });
  await a.read({ seed });
  await b.read({ seed });
  const how = { ...SIZES, seed, way: "awaited" } as const;
  const total = busy ? undefined : IDLE_MESSAGES;
  await session.send(a, b, { ...how, total });
  // There has to be a stream from the peer as well. What it sends is not judged: it is killed.
  await session.answer(b, a, { ...how, total: IDLE_MESSAGES });
  await delay(TALK_MS);
  forwarder.cut();
  await right.kill();
  await delay(Math.max(0, ms - LOOK_MS));
  const before = cpuSeconds(left.pid);
  await delay(LOOK_MS);
  const cpu = (cpuSeconds(left.pid) - before) / (LOOK_MS / 1000);
  const { ms: closing, broken } = await a.close(CLOSE_MS);
  if (cpu > (busy ? BUSY_CPU : IDLE_CPU)) {
    broken.push("takes much of the processor");
  }
  const [{ account, told, broken: found }] = await session.verdicts();
  const { accepted, arrived, lost } = account;
  return {
    "CPU %": Math.round(cpu * 100),
    "close ms": closing,
    accepted,
    arrived,
    lost,
    ...told,
    broken: [...broken, ...found],
  };
}

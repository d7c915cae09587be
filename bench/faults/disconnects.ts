/**
 * Two peers that send each other messages while either disconnects from the other, and either connects again, at random moments: nothing
 * comes out of order or twice, and every gap is told.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Transport } from "../../mod.ts";
import { randomFrom } from "../../tests/support/messages.ts";
import { OrderError, type Peer } from "./control.ts";
import { Pool } from "./pool.ts";
import {
  attempt,
  type Program,
  progress,
  type Request,
  type Row,
} from "./report.ts";
import type { Party } from "./party.ts";
import { Session } from "./session.ts";

const TRANSPORTS: Transport[] = ["quic", "tcp"];
const SIZES = { smallest: 1, largest: 20_000, spread: true };
/** The longest time between two disconnections, and between one and the next connection. */
const APART_MS = 300;
const CLOSE_MS = 20_000;

/** See the head of the file. */
export const disconnects: Program = {
  title: "Random disconnections under traffic both ways",
  usual: { runs: 20, seconds: 15 },
  run,
};

async function* run(request: Request): AsyncIterable<Row> {
  for (const runtime of request.runtimes) {
    await using pool = new Pool();
    for (let run = 0; run < request.runs; run++) {
      if (request.only !== undefined && run !== request.only) continue;
      progress(`${runtime.name}: ${run + 1} of ${request.runs}`);
      const left = await pool.take(runtime, "left");
      const right = await pool.take(runtime, "right");
      const transport = TRANSPORTS[run % TRANSPORTS.length];
      yield await attempt(
        { run, runtime: runtime.name, transport },
        () => once(left, right, transport, run, request),
      );
    }
  }
}

async function once(
  left: Peer,
  right: Peer,
  transport: Transport,
  run: number,
  { seed, seconds }: Request,
): Promise<Row> {
  await using session = new Session();
  const options = { transports: [transport] };
  const random = randomFrom(seed * 1000 + run);
  const a = await session.join(left, options);
  const b = await session.join(right, options);
  await a.order("connect", { addresses: b.addresses });
  for (const [from, to] of [[a, b], [b, a]]) {
    await from.read({ seed });
    const way = random() < 0.5 ? "awaited" : "many";
    await session.send(from, to, { ...SIZES, seed, way, channels: 2 });
  }
  const counts = await disturb(a, b, random, seconds);
  const broken = await session.end(CLOSE_MS);
  const { account, told, broken: found } = await session.total();
  return {
    ...counts,
    ...account,
    ...told,
    broken: [...broken, ...found],
  };
}

/** Disconnects and connects for so many seconds. */
async function disturb(
  a: Party,
  b: Party,
  random: () => number,
  seconds: number,
) {
  const counts = { disconnections: 0, connections: 0, failed: 0 };
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const [one, other] = random() < 0.5 ? [a, b] : [b, a];
    await delay(random() * APART_MS);
    await one.order("disconnect", { peer: other.peerId });
    counts.disconnections++;
    await delay(random() * APART_MS);
    try {
      await one.order("connect", { addresses: other.addresses, timeout: 5000 });
      counts.connections++;
    } catch (error) {
      // The other side may just be disconnecting: the next connection is the next turn's.
      if (!(error instanceof OrderError && error.code)) throw error;
      counts.failed++;
    }
  }
  return counts;
}

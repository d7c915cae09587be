/**
 * Nodes of two processes that send each other messages of any size while they connect and disconnect all the time: nothing is lost silently,
 * out of order, twice or changed, and memory does not grow.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Runtime } from "../../scripts/runtimes.ts";
import { randomFrom } from "../../tests/support/messages.ts";
import { OrderError } from "./control.ts";
import { NUMBER_BYTES } from "./payload.ts";
import { type Program, progress, type Request, type Row } from "./report.ts";
import { Profiled, Samples } from "./samples.ts";
import type { Party } from "./party.ts";
import { Session } from "./session.ts";

/** Nodes of each process. */
const NODES = 3;
// Shorter ones could not carry their number, and what is guessed behind a loss would look like disorder.
const SIZES = { smallest: NUMBER_BYTES, largest: 400_000, spread: true };
/** Messages a second from each node to each of the other process that it has a transport in common with. */
const RATE = 100;
const CONNECT_EVERY_MS = 30;
/** One in so many connections follows a disconnection. */
const DISCONNECT_EVERY = 10;
const SAMPLE_EVERY_MS = 10_000;
/** The most that memory may grow by, and how long it takes to tell that. */
const MB_A_MINUTE = 0.3;
const LONG_ENOUGH_S = 600;
const CLOSE_MS = 20_000;

/** See the head of the file. */
export const churn: Program = {
  title: "Connecting and disconnecting under traffic",
  usual: { runs: 1, seconds: 900 },
  run,
};

async function* run(request: Request): AsyncIterable<Row> {
  for (const runtime of request.runtimes) {
    for (let run = 0; run < request.runs; run++) {
      yield* once(runtime, { ...request, seed: request.seed + run });
    }
  }
}

async function* once(
  runtime: Runtime,
  { seconds, seed }: Request,
): AsyncIterable<Row> {
  await using left = await Profiled.start(runtime);
  await using right = await Profiled.start(runtime);
  await using session = new Session();
  const sides = [await join(session, left), await join(session, right)];
  await connectAll(sides);
  for (const [from, to] of directions(sides)) {
    await session.send(from, to, {
      ...SIZES,
      seed,
      way: "awaited",
      rate: RATE,
    });
  }
  const samples = [left, right].map((process) =>
    new Samples(process, SAMPLE_EVERY_MS)
  );
  const { failed, ...counts } = await disturb(sides, seed, seconds);
  const memory = await Promise.all(samples.map((samples) => samples.end()));
  const broken = await session.end(CLOSE_MS);
  const { account, told, broken: found } = await session.total();
  broken.push(...found);
  const failures = JSON.stringify(failed);
  const row = { ...counts, failures, ...account, ...told };
  yield { runtime: runtime.name, seconds, ...row, broken };
  for (const [side, growth] of memory.entries()) {
    const grows = seconds >= LONG_ENOUGH_S && growth.rssSlope > MB_A_MINUTE;
    const broken = grows ? [`grows by ${growth.rssSlope} MB a minute`] : [];
    yield { runtime: runtime.name, process: side + 1, ...growth, broken };
  }
}

function join(session: Session, { peer }: Profiled): Promise<Party[]> {
  const transports = ["quic", "tcp"] as const;
  const make = (_: unknown, index: number) =>
    session.join(peer, { transports: [transports[index % 2]] });
  return Promise.all(Array.from({ length: NODES }, make));
}

/** Each node with each of the other side, in both directions. */
function directions([left, right]: Party[][]): [Party, Party][] {
  const pairs = left.flatMap((a) => right.map((b) => [a, b] as const))
    .filter(([a, b]) => transportOf(a) === transportOf(b));
  return pairs.flatMap(([a, b]): [Party, Party][] => [[a, b], [b, a]]);
}

function transportOf({ options }: Party): string {
  return `${options.transports}`;
}

async function connectAll(sides: Party[][]): Promise<void> {
  for (const party of sides.flat()) await party.read({ seed: 1 });
  for (const [from, to] of directions(sides)) {
    await from.order("connect", { addresses: to.addresses });
  }
}

/** Connects and disconnects for so many seconds. */
async function disturb(sides: Party[][], seed: number, seconds: number) {
  const random = randomFrom(seed);
  const pairs = directions(sides);
  const counts: Counts = { connections: 0, disconnections: 0, failed: {} };
  const underWay = new Set<Promise<void>>();
  const began = performance.now();
  for (let turn = 1; turn * CONNECT_EVERY_MS < seconds * 1000; turn++) {
    const late = began + turn * CONNECT_EVERY_MS - performance.now();
    await delay(Math.max(1, late));
    const pair = pairs[Math.floor(random() * pairs.length)];
    const work = change(pair, turn % DISCONNECT_EVERY === 0, counts)
      .finally(() => underWay.delete(work));
    underWay.add(work);
    if (turn % 1000 === 0) progress(`${turn * CONNECT_EVERY_MS / 1000} s`);
  }
  await Promise.all(underWay);
  return counts;
}

/** What was done, and how often what failed by its code. */
interface Counts {
  connections: number;
  disconnections: number;
  failed: Record<string, number>;
}

async function change(
  [from, to]: [Party, Party],
  disconnect: boolean,
  counts: Counts,
): Promise<void> {
  try {
    if (disconnect) {
      await from.order("disconnect", { peer: to.peerId });
      counts.disconnections++;
    }
    await from.order("connect", { addresses: to.addresses, timeout: 10_000 });
    counts.connections++;
  } catch (error) {
    // Somebody else may just be disconnecting the two.
    if (!(error instanceof OrderError && error.code)) throw error;
    counts.failed[error.code] = (counts.failed[error.code] ?? 0) + 1;
  }
}

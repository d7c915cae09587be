/**
 * Large messages to a reader that pauses now and then: 200 messages of 0.3 to 2 MB a run, over QUIC and TCP, between every pair of
 * runtimes. All arrive, in order and unchanged, and nothing is told as lost.
 */
import type { Transport } from "../../mod.ts";
import type { Runtime } from "../../scripts/runtimes.ts";
import { Peer } from "./control.ts";
import {
  pairings,
  type Program,
  progress,
  type Request,
  type Row,
} from "./report.ts";
import { Session } from "./session.ts";

const MESSAGES = 200;
const SIZES = { smallest: 300_000, largest: 2_000_000 };
const READER = { pauseEvery: 10, pauseMs: 100 };
const CLOSE_MS = 30_000;

/** See the head of the file. */
export const large: Program = {
  title: "Large messages to a reader that pauses",
  usual: { runs: 8, seconds: 0 },
  run,
};

async function* run(request: Request): AsyncIterable<Row> {
  for (const [from, to] of pairings(request.runtimes)) {
    for (const transport of ["quic", "tcp"] as const) {
      yield await runs(from, to, transport, request);
    }
  }
}

async function runs(
  from: Runtime,
  to: Runtime,
  transport: Transport,
  { runs, seed }: Request,
): Promise<Row> {
  await using sender = await Peer.start(from);
  await using receiver = await Peer.start(to);
  const row = {
    from: from.name,
    to: to.name,
    transport,
    runs,
    accepted: 0,
    lost: 0,
    told: 0,
    seconds: 0,
    broken: [] as string[],
  };
  const began = performance.now();
  for (let run = 0; run < runs; run++) {
    const number = seed * 1000 + run;
    await once(sender, receiver, transport, number, row).catch((error) => {
      row.broken.push(`seed ${number}: failed: ${error}`);
    });
    progress(`${from.name} to ${to.name}, ${transport}: ${run + 1} of ${runs}`);
  }
  row.seconds = Math.round((performance.now() - began) / 1000);
  return row;
}

async function once(
  sender: Peer,
  receiver: Peer,
  transport: Transport,
  seed: number,
  row: Row & { accepted: number; lost: number; told: number },
): Promise<void> {
  await using session = new Session();
  const options = { transports: [transport] };
  const a = await session.join(sender, options);
  const b = await session.join(receiver, options);
  await a.order("connect", { addresses: b.addresses });
  await b.read({ seed, ...READER });
  const way = seed % 2 === 0 ? "awaited" : "sender";
  await session.send(a, b, { ...SIZES, seed, way, total: MESSAGES });
  await a.order("sent", {}, 4 * CLOSE_MS);
  const { broken: closing } = await a.close(CLOSE_MS);
  await session.settled();
  const [{ account, told, broken }] = await session.verdicts();
  const telling = told.exact + told.upTo + told.there;
  if (account.accepted < MESSAGES) {
    broken.push(`${MESSAGES - account.accepted} refused`);
  }
  if (telling > 0) broken.push(`${telling} told as lost`);
  row.accepted += account.accepted;
  row.lost += account.lost;
  row.told += telling;
  row.broken.push(
    ...[...closing, ...broken].map((what) => `seed ${seed}: ${what}`),
  );
}

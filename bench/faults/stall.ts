/**
 * A program that does not read for longer than any deadline of a network, and then reads: slow is not dead, so everything arrives and nothing
 * is told as lost.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Transport } from "../../mod.ts";
import type { Runtime } from "../../scripts/runtimes.ts";
import { Peer } from "./control.ts";
import { attempt, type Program, type Request, type Row } from "./report.ts";
import { Session } from "./session.ts";

const TRANSPORTS: Transport[] = ["quic", "webtransport", "tcp", "ws"];
const MESSAGES = 800;
const SIZE = 64 << 10;
const CLOSE_MS = 30_000;

/** See the head of the file. */
export const stall: Program = {
  title: "A program that does not read for minutes",
  usual: { runs: 1, seconds: 330 },
  run,
};

async function* run({ runtimes, seconds, seed }: Request): AsyncIterable<Row> {
  for (const runtime of runtimes) {
    // They wait most of the time.
    yield* await Promise.all(TRANSPORTS.map((transport) =>
      attempt(
        { runtime: runtime.name, transport, seconds },
        () => once(runtime, transport, seconds, seed),
      )
    ));
  }
}

async function once(
  runtime: Runtime,
  transport: Transport,
  seconds: number,
  seed: number,
): Promise<Row> {
  await using left = await Peer.start(runtime);
  await using right = await Peer.start(runtime);
  await using session = new Session();
  const a = await session.join(left, { transports: [transport] });
  const b = await session.join(right, { transports: [transport] });
  await a.order("connect", { addresses: b.addresses });
  const sizes = { seed, smallest: SIZE, largest: SIZE };
  await session.send(a, b, { ...sizes, way: "awaited", total: MESSAGES });
  await b.read({ seed, stopAfter: 1 });
  await delay(seconds * 1000);
  await b.order("hurry", {});
  await a.order("sent", {});
  const { broken } = await a.close(CLOSE_MS);
  await session.settled();
  const { account, told, broken: found } = await session.total();
  const { accepted, arrived, lost } = account;
  if (told.exact + told.upTo + told.there > 0) broken.push("told as lost");
  if (accepted < MESSAGES) broken.push(`${MESSAGES - accepted} refused`);
  broken.push(...found);
  return { accepted, arrived, lost, ...told, broken };
}

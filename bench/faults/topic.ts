/**
 * A topic message above what a subscriber takes: the subscriber tells of it and is in the topic again within 2 s; what was published before
 * it and after that arrives.
 */
import type { Pool } from "./pool.ts";
import type { Row } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { readLog } from "./reader.ts";
import type { Party } from "./party.ts";
import { Session } from "./session.ts";

const RATE = 50;
const BEFORE = 40;
const AFTER = 200;
const LIMIT = 64 << 10;
/** How many messages may be missed until the subscriber is back. */
const MISSED = 2 * RATE;

/** Plays a scenario of that kind. */
export async function publishTooLarge(
  what: Scenario,
  pool: Pool,
): Promise<Row> {
  await using session = new Session();
  const transports = [what.transport];
  const a = await pool.take(what.from, "sender");
  const b = await pool.take(what.to, "receiver", LIMIT);
  // By default the publisher refuses what others do not take.
  const maxTopicMessageSize = 2 * LIMIT;
  const sender = await session.join(a, { transports, maxTopicMessageSize });
  const receiver = await session.join(b, { transports });
  await receiver.read({ seed: what.number });
  await sender.order("connect", { addresses: receiver.addresses });
  const flow = {
    seed: what.number,
    smallest: 20,
    largest: 1000,
    exception: { number: BEFORE, size: LIMIT + 1000 },
    rate: RATE,
    total: BEFORE + 1 + AFTER,
  };
  await session.publish(sender, [receiver], flow);
  await sender.order("sent", {});
  await session.settled(2000);
  await sender.close();
  await receiver.close();
  return await judge(sender, receiver);
}

async function judge(sender: Party, receiver: Party): Promise<Row> {
  const broken: string[] = [];
  const { flows: [{ next, refused }] } = await sender.state();
  const { told, warnings } = await receiver.state();
  const arrived = [...readLog(receiver.log)].map(([, number]) => number);
  const before = arrived.filter((number) => number < BEFORE).length;
  if (before < BEFORE) broken.push(`${BEFORE - before} lost before it`);
  const again = arrived.findIndex((number) => number > BEFORE);
  const missed = again < 0 ? AFTER : arrived[again] - BEFORE - 1;
  if (missed > MISSED) broken.push(`${missed} missed after it`);
  const after = again < 0 ? 0 : arrived.length - again;
  const gaps = AFTER - missed - after;
  if (gaps > 0) broken.push(`${gaps} lost after the subscriber was back`);
  const sorted = arrived.toSorted((a, b) => a - b);
  if (sorted.some((number, i) => number !== arrived[i])) {
    broken.push("out of order");
  }
  if (new Set(arrived).size < arrived.length) broken.push("doubled");
  // A publisher that refuses such a message has told of it at once.
  if (!refused.includes(BEFORE)) {
    if (told.length === 0) broken.push("nothing told of the message");
    if (missed > 0 && warnings.length === 0) broken.push("no warning");
  }
  const accepted = next - refused.length;
  const lost = accepted - arrived.length;
  const there = told.reduce((sum, { messages }) => sum + messages, 0);
  return { accepted, arrived: arrived.length, lost, there, broken };
}

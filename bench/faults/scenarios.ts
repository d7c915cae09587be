/**
 * Random scenarios of two peers: receivers that take less than is sent, that read slowly, stop, close, are killed, come back; senders that
 * close; disconnections from either side. Each message that was accepted arrives once and in order or is told as lost, and no close takes
 * longer than it may.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { P2POptions } from "../../mod.ts";
import { findFreePorts } from "../../tests/support/ports.ts";
import { Pool } from "./pool.ts";
import {
  attempt,
  type Program,
  progress,
  type Request,
  type Row,
} from "./report.ts";
import {
  type Incident,
  isHarmless,
  isRelayed,
  type Scenario,
  scenario,
} from "./scenario.ts";
import type { Party } from "./party.ts";
import { Session, type Verdict } from "./session.ts";
import { publishTooLarge } from "./topic.ts";

/** What the receiver sends where it sends as well. */
const BACK = { smallest: 1, largest: 3000, spread: true, total: 2000 };

/** See the head of the file. */
export const scenarios: Program = {
  title: "Random scenarios",
  usual: { runs: 500, seconds: 0 },
  run,
};

async function* run(request: Request): AsyncIterable<Row> {
  await using pool = new Pool();
  const { runs, seed, runtimes, only } = request;
  for (let number = only ?? 0; number < (only ?? runs - 1) + 1; number++) {
    const what = scenario(seed, number, runtimes);
    const began = performance.now();
    const about = { number, scenario: describe(what) };
    const row = await attempt(about, () => stage(what, pool));
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    progress(`${number} ${describe(what)}: ${seconds} s ${row.broken}`);
    yield { ...row, seconds };
  }
}

function describe(what: Scenario): string {
  const { transport, from, to, limit, flow, reading, incident } = what;
  return `${transport} ${from.name}-${to.name}${limit ? " limit" : ""} ` +
    `${flow.way} ${flow.largest} B, read ${reading}, ${incident}` +
    `${what.bothWays ? ", both ways" : ""}`;
}

/** A scenario while it is carried out. */
interface Stage {
  what: Scenario;
  pool: Pool;
  session: Session;
  sender: Party;
  receiver: Party;
}

async function stage(what: Scenario, pool: Pool): Promise<Row> {
  if (what.incident === "too large topic message") {
    return await publishTooLarge(what, pool);
  }
  await using session = new Session();
  const a = await pool.take(what.from, "sender");
  const b = await pool.take(what.to, "receiver", what.limit);
  const place = what.incident.endsWith("comes back")
    ? { identityDir: session.folder("receiver"), port: await findFreePorts() }
    : {};
  const options = optionsOf(what);
  const sender = await session.join(a, options);
  const receiver = await session.join(b, { ...options, ...place });
  const addresses = isRelayed(what)
    ? await throughRelay(receiver, session, pool)
    : receiver.addresses;
  await sender.order("connect", { addresses });
  await receiver.read(what.reader);
  await session.send(sender, receiver, what.flow);
  if (what.bothWays) {
    await sender.read({ seed: what.number });
    const back = { ...BACK, seed: what.number, way: "awaited" } as const;
    await session.send(receiver, sender, back);
  }
  await reached(session, what);
  const played: Stage = { what, pool, session, sender, receiver };
  await INCIDENTS[what.incident](played);
  const broken = await end(played);
  const row = sumUp(await session.verdicts(), broken);
  const told = await heard(played);
  if (isHarmless(what) && told) row.broken.push("told where nothing is lost");
  return { ...row, told };
}

/** What both nodes are made with. */
function optionsOf(what: Scenario): Partial<P2POptions> {
  const { transport, incident } = what;
  if (!isRelayed(what)) return { transports: [transport] };
  return {
    transports: [...new Set([transport, "tcp" as const])],
    holePunching: false,
    webrtcEnabled: incident.startsWith("WebRTC"),
    webrtcWait: what.afterMs,
  };
}

/** Lets a node take a place at a relay; answers its addresses by way of that. */
async function throughRelay(
  node: Party,
  session: Session,
  pool: Pool,
): Promise<string[]> {
  const peer = await pool.take(node.peer.runtime, "relay");
  const relay = await session.join(peer, {
    transports: ["tcp"],
    enableRelayService: true,
    useBroadLimits: true,
    knowsIsPublic: true,
  });
  await node.order("connect", { addresses: relay.addresses });
  return await node.order("reserve", { relay: relay.peerId });
}

/** What was told, by the sender and by the receiver, in a line. */
async function heard({ sender, receiver }: Stage): Promise<string> {
  const lines = [];
  for (const [who, party] of [["", sender], [" there", receiver]] as const) {
    if (party.peer.gone && !party.final) continue;
    for (const { reason, messages, upTo } of (await party.state()).told) {
      lines.push(`${reason}${who} ${upTo ? "at most " : ""}${messages}`);
    }
  }
  return lines.join(", ");
}

/** Waits for the moment of the incident. */
async function reached(session: Session, what: Scenario): Promise<void> {
  const end = performance.now() + what.afterMs;
  while (performance.now() < end) {
    if (await session.accepted() >= what.after) return;
    await delay(5);
  }
}

const INCIDENTS: Record<Incident, (stage: Stage) => Promise<void>> = {
  async nothing({ sender, receiver }) {
    await receiver.order("hurry", {});
    await sender.order("sent", {});
  },
  async "receiver closes"({ what, receiver }) {
    await receiver.close();
    await delay(what.goOnMs);
  },
  async "receiver closes and comes back"(stage) {
    await stage.receiver.close();
    await comeBack(stage);
  },
  async "receiver is killed"({ what, receiver }) {
    await receiver.peer.kill();
    await delay(what.goOnMs);
  },
  async "receiver is killed and comes back"(stage) {
    await stage.receiver.peer.kill();
    await comeBack(stage);
  },
  async "receiver disconnects"({ what, sender, receiver }) {
    await receiver.order("disconnect", { peer: sender.peerId });
    await delay(what.goOnMs);
  },
  async "sender disconnects"({ what, sender, receiver }) {
    await sender.order("disconnect", { peer: receiver.peerId });
    await delay(what.goOnMs);
  },
  async "sender closes"() {},
  async "a direct connection replaces a relay"({ sender, receiver }) {
    await sender.order("connect", { addresses: receiver.addresses });
    await receiver.order("hurry", {});
    await sender.order("sent", {});
  },
  async "WebRTC replaces a relay"({ sender, receiver }) {
    await sender.order("channelled", { peer: receiver.peerId });
    await receiver.order("hurry", {});
    await sender.order("sent", {});
  },
  async "too large topic message"() {},
};

/** Makes the receiver's node again, where it was and with the same key, and lets the sender go on for a while. */
async function comeBack(stage: Stage): Promise<void> {
  const { what, pool, session, receiver } = stage;
  const peer = await pool.take(what.to, "receiver", what.limit);
  if (!receiver.peer.gone) {
    await receiver.order("hurry", {});
    await receiver.order("taken", {});
  }
  stage.receiver = await session.join(peer, receiver.options, receiver);
  await stage.receiver.read(what.reader);
  await delay(2 * what.goOnMs);
}

/** Closes the sender, lets the receiver read what there is, and closes that; answers what was wrong. */
async function end(stage: Stage): Promise<string[]> {
  const { what, session, sender, receiver } = stage;
  if (what.bothWays && !receiver.final) await receiver.order("stop", {});
  if (what.incident !== "sender closes") await sender.order("stop", {});
  const { broken } = await sender.close(what.timeout);
  if (!receiver.peer.gone) await receiver.order("hurry", {});
  await session.settled();
  if (!receiver.peer.gone && !receiver.final) await receiver.close();
  await session.settled();
  return broken;
}

/** The accounts of both ways, and what is wrong with them. */
function sumUp(verdicts: Verdict[], broken: string[]): Row {
  const [{ account, told }] = verdicts;
  const { accepted, arrived, lost } = account;
  return {
    accepted,
    arrived,
    lost,
    ...told,
    broken: [
      ...broken,
      ...verdicts[0].broken,
      ...(verdicts[1]?.broken ?? []).map((what) => `back: ${what}`),
    ],
  };
}

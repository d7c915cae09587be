/** What may happen in a scenario of bench/faults, and one at random for each seed and number. */
import type { Transport } from "../../mod.ts";
import type { Runtime } from "../../scripts/runtimes.ts";
import { randomFrom } from "../../tests/support/messages.ts";
import type { FlowSpec, Way } from "./flow.ts";
import type { ReaderSpec } from "./reader.ts";

/** What happens while messages are under way. */
export type Incident = typeof INCIDENTS[number];

/** Who sends what to whom, how that is read, and what happens. */
export interface Scenario {
  number: number;
  transport: Transport;
  from: Runtime;
  to: Runtime;
  /** `maxMessageSize` of the receiver; the default if it is left out. */
  limit?: number;
  flow: Omit<FlowSpec, "flow" | "to">;
  /** Whether the receiver sends as well. */
  bothWays: boolean;
  reading: Reading;
  reader: Omit<ReaderSpec, "log">;
  incident: Incident;
  /** After how many accepted messages it happens, or how many milliseconds, whichever is first. */
  after: number;
  afterMs: number;
  /** How long the sender goes on after it. */
  goOnMs: number;
  /** How long the sender's `close` may take; its default if it is left out. */
  timeout?: number;
}

const INCIDENTS = [
  "nothing",
  "receiver closes",
  "receiver closes and comes back",
  "receiver is killed",
  "receiver is killed and comes back",
  "receiver disconnects",
  "sender disconnects",
  "sender closes",
  "a direct connection replaces a relay",
  "WebRTC replaces a relay",
  "too large topic message",
] as const;
/** Of that kind one is like another. */
const TOPIC_SHARE = 0.04;

/** How the receiver reads, for each what its reader is told. */
const READINGS = {
  steadily: () => ({}),
  "with pauses": (random) => ({ pauseEvery: 20, pauseMs: 200 * random() }),
  slowly: (random) => ({ speed: 2e5 * 20 ** random() }),
  "until it stops": (random) => ({ stopAfter: Math.floor(300 * random()) }),
} satisfies Record<
  string,
  (random: () => number) => Partial<Omit<ReaderSpec, "log">>
>;

type Reading = keyof typeof READINGS;

const TRANSPORTS: Transport[] = ["quic", "quic", "tcp", "tcp", "ws"];
const WAYS: Way[] = ["awaited", "many", "sender", "timed"];
/** What a receiver with a limit of its own takes. */
const LIMIT = 64 << 10;
/** The largest messages of a flow, smaller than what such a receiver takes, a little larger, and much larger. */
const LARGEST = [300, 5_000, 70_000, 1_000_000];

const MOST_MESSAGES = 60_000;

/** Whether nothing may be lost: nobody ends or breaks anything before all is read. */
export function isHarmless(what: Scenario): boolean {
  const { incident, reading, limit, flow, timeout = 10_000 } = what;
  if (limit !== undefined && flow.largest >= limit) return false;
  const patient = timeout >= 5000;
  return incident === "nothing" || isRelayed(what) && patient ||
    incident === "sender closes" && patient && reading === "steadily";
}

/** Whether the peers meet through a relay. */
export function isRelayed({ incident }: Scenario): boolean {
  return incident.endsWith("a relay");
}

/** The scenario of a seed with a number. */
export function scenario(
  seed: number,
  number: number,
  runtimes: Runtime[],
): Scenario {
  const random = randomFrom(seed * 1_000_003 + number);
  const pick = <T>(items: readonly T[]) =>
    items[Math.floor(random() * items.length)];
  const incident = random() < TOPIC_SHARE
    ? "too large topic message"
    : pick(INCIDENTS.slice(0, -1));
  const killed = incident.startsWith("receiver is killed");
  const reading = pick(Object.keys(READINGS) as Reading[]);
  const largest = pick(LARGEST);
  const limit = random() < 0.3 ? LIMIT : undefined;
  const volume = 5e5 * 100 ** random();
  const total = Math.min(
    MOST_MESSAGES,
    Math.ceil(volume * Math.log(largest) / largest),
  );
  return {
    number,
    transport: pick(TRANSPORTS),
    from: pick(runtimes),
    to: pick(runtimes),
    limit,
    flow: {
      seed: number,
      smallest: 1,
      largest,
      spread: true,
      way: pick(WAYS),
      channels: pick([1, 1, 3]),
      total,
    },
    // What is told of a refusal does not say whose message it was.
    bothWays: !killed && limit === undefined && random() < 0.25,
    reading,
    reader: {
      seed: number,
      shared: random() < 0.3,
      ...READINGS[reading](random),
    },
    incident,
    after: Math.ceil(total * random() ** 2),
    afterMs: Math.floor(200 + 1800 * random()),
    goOnMs: Math.floor(1500 * random()),
    timeout: pick([undefined, 500, 2000, 5000]),
  };
}

/** The rows of the comparison: what is done, by whom, and which figure of the answer counts. `docs/performance.md` explains them. */
import type { Figures } from "./programs.ts";

/** Somebody who takes part in a work. */
export interface Contestant {
  /** What the row is called. */
  name: string;
  program: string;
  receive?: Record<string, unknown>;
  send?: Record<string, unknown>;
}

/** One work. */
export interface Task {
  id: string;
  title: string;
  unit: string;
  /** Whether more is better. */
  more: boolean;
  how: "pair" | "alone" | "start";
  work: Record<string, unknown>;
  contestants: Contestant[];
  value(figures: Figures): number;
  /** What else of a run is told. */
  also: Record<string, (figures: Figures) => number>;
}

const MIB = 1 << 20;
const OURS = ["deno", "bun", "node"];
const OWN = { shared: false }, SHARED = { shared: true };
const LARGE_QUEUES = { queues: 16_384 };

const ours = (runtime: string, what: string, rest: Partial<Contestant>) => ({
  name: `${runtime}${what}`,
  program: runtime,
  ...rest,
});
/** This module in each runtime. */
const each = (what: string, rest: Partial<Contestant> = {}) =>
  OURS.map((runtime) => ours(runtime, what, rest));
const plain = (...programs: string[]) =>
  programs.map((program) => ({ name: program, program }));
const JS = ["js-deno", "js-bun", "js-node"];

function frames(transport: string, size: number, label: string): Task {
  const small = size <= 1024;
  const gathered = { gather: true };
  const contestants: Contestant[] = [
    { name: small ? "go, a write a frame" : "go", program: "go" },
  ];
  if (small) {
    contestants.push({ name: "go gathered", program: "go", send: gathered });
  }
  contestants.push(...each(", shared views", { receive: SHARED }));
  if (size === 100) {
    contestants.push(...each(", own buffers", { receive: OWN }));
    const send = { send: "await" };
    contestants.push(...each(", await, own buffers", { receive: OWN, send }));
  }
  contestants.push(...plain(...JS));
  if (size === 100 && transport === "tcp") contestants.push(...plain("python"));
  return {
    id: `w1-${transport}-${size}`,
    title: `W1 one way, ${label}, ${transport.toUpperCase()}`,
    unit: small ? "messages/s" : "MB/s",
    more: true,
    how: "pair",
    work: { work: "frames", transport, size, ms: 1200, warmMs: 300 },
    contestants,
    value: ({ messages, bytes, seconds }) =>
      (small ? messages : bytes / 1e6) / seconds,
    also: {
      "CPU s/GB": ({ cpu, bytes }) => cpu / bytes * 1e9,
      "lost %": ({ lost, messages }) => 100 * lost / (lost + messages),
    },
  };
}

function pingpong(transport: string, everyMs: number): Task {
  const how = everyMs ? `one every ${everyMs} ms` : "dense";
  return {
    id: `w2-${transport}-${everyMs ? "sparse" : "dense"}`,
    title: `W2 round trip of 100 B, ${how}, ${transport.toUpperCase()}`,
    unit: "us (p50)",
    more: false,
    how: "pair",
    work: {
      ...{ work: "pingpong", transport, size: 100, everyMs },
      count: everyMs ? 400 : 10_000,
    },
    contestants: plain("go", ...OURS, ...JS),
    value: ({ p50 }) => p50,
    also: {
      "p99 us": ({ p99 }) => p99,
      "client's cores": ({ cores }) => cores,
    },
  };
}

function topic(topics: number): Task {
  const many = topics > 1;
  return {
    id: many ? `w8-topics-${topics}` : "w3-topic",
    title: many
      ? `W8 ${topics} topics, 100 B, TCP`
      : "W3 topic, one to one, 100 B, TCP",
    unit: "messages/s",
    more: true,
    how: "pair",
    work: { work: "topic", transport: "tcp", size: 100, ms: 1500, topics },
    contestants: many ? plain(...OURS) : [
      ...plain("go"),
      {
        name: "go, large queues",
        program: "go",
        receive: LARGE_QUEUES,
        send: LARGE_QUEUES,
      },
      ...plain(...OURS, ...JS),
    ],
    value: ({ messages, seconds }) => messages / seconds,
    also: {
      "lost %": ({ lost, messages }) => 100 * lost / (lost + messages),
      "CPU us/message": ({ cpu, messages }) => cpu / messages * 1e6,
    },
  };
}

function mesh(everyMs: number): Task {
  return {
    id: everyMs ? "w3-mesh" : "w3-mesh-unpaced",
    title: `W3 topic, 10 nodes, 1 KiB, ${
      everyMs ? `${1000 / everyMs} messages/s` : "unpaced"
    }`,
    unit: everyMs ? "us (p50)" : "% delivered",
    more: !everyMs,
    how: "alone",
    work: {
      ...{ work: "mesh", transport: "tcp", size: 1024, nodes: 10, everyMs },
      count: everyMs ? 600 : 2000,
    },
    contestants: [
      ...plain("go"),
      { name: "go, large queues", program: "go", send: LARGE_QUEUES },
      ...plain(...OURS),
    ],
    value: ({ p50, delivered }) => everyMs ? p50 : 100 * delivered,
    also: {
      "p99 us": ({ p99 }) => p99,
      "delivered %": ({ delivered }) => 100 * delivered,
    },
  };
}

function start(nodes: number): Task {
  return {
    id: `w4-${nodes}`,
    title: `W4 cold process with ${nodes} node${nodes > 1 ? "s" : ""}`,
    unit: nodes > 1 ? "MB (RSS)" : "ms to listening",
    more: false,
    how: "start",
    work: { work: "start", transport: "tcp", nodes },
    contestants: plain("go", ...OURS, ...JS),
    value: ({ ms, rss }) => nodes > 1 ? rss : ms,
    also: {
      "RSS MB": ({ rss }) => rss,
      "idle CPU ms/s": ({ idle }) => idle,
    },
  };
}

function dial(transport: string): Task {
  return {
    id: `w5-${transport}`,
    title: `W5 dial, handshake, close, ${transport.toUpperCase()}`,
    unit: "us (p50)",
    more: false,
    how: "pair",
    work: { work: "dial", transport, count: 200 },
    contestants: plain("go", ...OURS, ...JS),
    value: ({ p50 }) => p50,
    also: { "p99 us": ({ p99 }) => p99 },
  };
}

function peers(nodes: number): Task {
  return {
    id: `w8-peers-${nodes}`,
    title: `W8 ${nodes} peer${nodes > 1 ? "s" : ""} to one, 100 B, TCP`,
    unit: "CPU us/message",
    more: false,
    how: "pair",
    work: {
      ...{ work: "frames", transport: "tcp", size: 100, nodes },
      ...{ ms: 1200, warmMs: 300 },
    },
    contestants: [
      { name: "go gathered", program: "go", send: { gather: true } },
      ...each("", { receive: SHARED }),
    ],
    value: ({ cpu, messages }) => cpu / messages * 1e6,
    also: {
      "messages/s": ({ messages, seconds }) => messages / seconds,
      "lost %": ({ lost, messages }) => 100 * lost / (lost + messages),
    },
  };
}

const SIZES: [number, string][] = [
  [100, "100 B"],
  [1024, "1 KiB"],
  [64 << 10, "64 KiB"],
  [MIB, "1 MiB"],
];

/** All of them, in the order of the table. */
export const TASKS: Task[] = [
  ...["tcp", "quic"].flatMap((transport) =>
    SIZES.map(([size, label]) => frames(transport, size, label))
  ),
  ...["tcp", "quic"].flatMap((transport) => [
    pingpong(transport, 0),
    pingpong(transport, 3),
  ]),
  topic(1),
  mesh(5),
  mesh(0),
  start(1),
  start(10),
  dial("tcp"),
  dial("quic"),
  peers(1),
  peers(8),
  peers(64),
  topic(32),
  topic(256),
];

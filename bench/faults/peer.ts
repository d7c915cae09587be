/**
 * A process of bench/faults: it makes nodes, and sends and reads with them, as lines of JSON on its standard input say; `control.ts` writes
 * them. Each line is `{"id", "order", "given"}`, each answer `{"id", "result"}` or `{"id", "error"}`. It ends with its standard input.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { P2P } from "../../mod.ts";
import { inspect } from "../../tests/support/inspect.ts";
import { createNode } from "../../tests/support/node.ts";
import { once, until } from "../../tests/support/wait.ts";
import { Flow } from "./flow.ts";
import { clean } from "./garbage.ts";
import type { Told } from "./ledger.ts";
import type { Orders } from "./orders.ts";
import { Reader } from "./reader.ts";

/** A node and what it is doing. */
class Party {
  readonly node: P2P;
  readonly flows: Flow[] = [];
  readonly told = new Map<string, Told>();
  readonly warnings: string[] = [];
  reader?: Reader;

  constructor(node: P2P) {
    this.node = node;
    node.addEventListener("drop", ({ detail }) => {
      const { reason, peerId: peer, messages, upTo = false } = detail;
      const key = `${reason} ${peer} ${upTo}`;
      const told = this.told.get(key) ??
        { reason, peer, upTo, messages: 0, events: 0 };
      told.messages += messages;
      told.events++;
      this.told.set(key, told);
    });
    node.addEventListener("warning", ({ detail: { code, message } }) => {
      this.warnings.push(`${code}: ${message}`);
    });
  }
}

const parties = new Map<string, Party>();

const ORDERS: Orders = {
  setup(settings) {
    P2P.setupLibrary(settings);
  },
  async create({ name, options }) {
    const node = await createNode(options);
    parties.set(name, new Party(node));
    return { peerId: node.peerId!, addresses: node.addresses };
  },
  async connect({ name, addresses, timeout }) {
    await party(name).node.connectTo(addresses, { timeout });
  },
  async disconnect({ name, peer }) {
    const before = performance.now();
    await party(name).node.disconnectFrom(peer);
    return performance.now() - before;
  },
  read({ name, ...spec }) {
    party(name).reader = new Reader(party(name).node, spec);
  },
  hurry({ name }) {
    party(name).reader?.hurry();
  },
  send({ name, spec }) {
    party(name).flows.push(new Flow(party(name).node, spec));
  },
  async greet({ name, addresses }) {
    const { node } = party(name);
    const { id } = await node.connectTo(addresses);
    const channel = `${node.peerId}::dm:${id}-greeting`;
    await node.sendMessageToPeer(channel, new Uint8Array(100));
  },
  async reserve({ name, relay }) {
    const { node } = party(name);
    const reserved = once(node, "reservation");
    await node.reserveOnRelay(relay);
    return (await reserved).detail.addresses;
  },
  async channelled({ name, peer }) {
    const { node } = party(name);
    const isOpen = () =>
      node.getWebrtcConnections()
        .some(({ peerId, state }) => peerId === peer && state === "open");
    await until(isOpen, "a WebRTC channel");
  },
  async subscribe({ name, topic }) {
    await party(name).node.subscribeToTopic(topic);
  },
  async joined({ name, topic, count }) {
    const { node } = party(name);
    await until(() => node.getTopicPeers(topic).length >= count, "subscribers");
  },
  stop({ name }) {
    for (const flow of party(name).flows) flow.stop();
  },
  async sent({ name }) {
    await Promise.all(party(name).flows.map(({ ended }) => ended));
  },
  accepted({ name }) {
    return party(name).flows.map(({ accepted }) => accepted);
  },
  async close({ name, options }) {
    const before = performance.now();
    const confirmation = await party(name).node.close(options);
    return { ms: performance.now() - before, confirmation };
  },
  async taken({ name }) {
    await party(name).reader?.ended;
  },
  state({ name }) {
    const { node, flows, told, warnings, reader } = party(name);
    return {
      flows: flows.map(({ spec, sent }) => ({ flow: spec.flow, ...sent })),
      told: [...told.values()],
      warnings,
      taken: reader?.count ?? 0,
      waiting: node.getMessageQueueLength(),
      peers: node.getConnectedPeersInfo().map(({ id }) => id),
    };
  },
  forget({ name }) {
    parties.delete(name);
  },
  async inside() {
    await clean();
    const { goroutines, chunks } = await inspect();
    const { heapUsed } = process.memoryUsage();
    return { goroutines, chunks, heapMB: heapUsed / 2 ** 20 };
  },
};

function party(name: string): Party {
  const found = parties.get(name);
  if (!found) throw new Error(`there is no node "${name}"`);
  return found;
}

async function obey(line: string): Promise<void> {
  const { id, order, given } = JSON.parse(line);
  try {
    const carryOut = ORDERS[order as keyof Orders] as (
      given: unknown,
    ) => unknown;
    print({ id, result: await carryOut(given) ?? null });
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    print({ id, error: { message, code } });
  }
}

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

for await (const line of createInterface({ input: process.stdin })) {
  obey(line);
}
process.exit(0);

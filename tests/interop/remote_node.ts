/**
 * A node of this module in a process of its own, steered by lines of JSON: requests on stdin, and on stdout the answer to each
 * when it is there.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { P2P, type P2POptions } from "../../mod.ts";
import { decode, encode, once } from "../support/wait.ts";

let node: P2P;
/** The numbered messages that came: number, transport, when it was sent and when it was received. */
const numbers: [number, string, number, number][] = [];
/** How large every other message was. */
const sizes: number[] = [];
/** The relays of which a reservation was told, with its expiry. */
const reservations: [string, string | null][] = [];
/** When there was a better way to a peer than a relay for the first time. */
const better = new Map<string, number>();

const calls: Record<string, (...args: never[]) => unknown> = {
  async create(options: P2POptions) {
    node = await P2P.create(options);
    node.addEventListener("reservation", ({ detail: { relay, expires } }) => {
      reservations.push([relay, expires]);
    });
    receive();
    watch();
    return { peerId: node.peerId, addresses: node.addresses };
  },
  async reserve(relay: string[]) {
    const { id } = await node.connectTo(relay);
    const reserved = once(node, "reservation");
    await node.reserveOnRelay(id);
    return (await reserved).detail.addresses;
  },
  /**
   * The addresses through the relays of the options, once AutoRelay uses one of them and a reservation was told of, which may
   * come in either order.
   */
  async automatic() {
    const through = () =>
      node.addresses.filter((address) => address.includes("/p2p-circuit/"));
    await new Promise<void>((resolve) => {
      const look = () =>
        through().length > 0 && reservations.length > 0 && resolve();
      node.addEventListener("addresses", look);
      node.addEventListener("reservation", look);
      look();
    });
    return { through: through(), reserved: reservations };
  },
  /** Waits until AutoNAT has found out that nobody reaches this node. */
  async private(relay: string[]) {
    await node.connectTo(relay);
    // AutoNAT lets 15 s pass before it asks.
    await new Promise<void>((resolve) => {
      const look = () => node.isPublic === false && resolve();
      node.addEventListener("reachability", look);
      look();
    });
  },
  async connect(addresses: string[]) {
    const started = Date.now();
    await node.connectTo(addresses);
    return started;
  },
  async number(peer: string, count: number, pause: number) {
    const channel = `${node.peerId}::dm:${peer}-misc`;
    for (let i = 0; i < count; i++) {
      await node.sendMessageToPeer(channel, encode(`${i} ${Date.now()}`));
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  },
  async send(peer: string, count: number, size: number) {
    const channel = `${node.peerId}::dm:${peer}-misc`;
    for (let i = 0; i < count; i++) {
      await node.sendMessageToPeer(channel, new Uint8Array(size).fill(200));
    }
  },
  numbers: () => numbers,
  sizes: () => sizes,
  transport: (peer: string) =>
    node.getConnectedPeersInfo().find(({ id }) => id === peer)?.transport,
  betterSince: (peer: string) => better.get(peer),
  close: () => node.close(),
};

async function receive(): Promise<void> {
  for await (const { data, transport, receivedAt } of node.messages()) {
    if (data[0] >= 128) {
      sizes.push(data.length);
      continue;
    }
    const [number, sent] = decode(data).split(" ").map(Number);
    numbers.push([number, transport, sent, receivedAt]);
  }
}

/** Notes when a peer is no longer reached by way of a relay. */
function watch(): void {
  setInterval(() => {
    for (const { id, transport } of node.getConnectedPeersInfo()) {
      if (transport !== "relay" && !better.has(id)) better.set(id, Date.now());
    }
  }, 5).unref();
}

async function answer(id: number, call: string, args: never[]) {
  try {
    const result = await calls[call](...args);
    console.log(JSON.stringify({ id, result }));
  } catch (error) {
    console.log(JSON.stringify({ id, error: String(error) }));
  }
}

for await (const line of createInterface(process.stdin)) {
  const { id, call, args } = JSON.parse(line);
  answer(id, call, args);
}
process.exit(0);

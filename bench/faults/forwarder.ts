/** A forwarder on loopback that stops when it is told to, without a word to either side: behind it a peer vanishes as if its cable were cut. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import * as net from "node:net";

const HOST = "127.0.0.1";

/** Where a peer is reached through a forwarder. */
export interface Forwarder extends AsyncDisposable {
  /** The address, with the forwarder's port in place of the peer's. */
  address: string;
  /** Forwards nothing from now on; what there is stays open. */
  cut(): void;
  /** Forwards again. */
  mend(): void;
}

/** Stands in front of an address, over TCP or UDP as that says. */
export async function forward(address: string): Promise<Forwarder> {
  const [, kind, port] = /\/(tcp|udp)\/(\d+)/.exec(address)!;
  const start = kind === "tcp" ? forwardTcp : forwardUdp;
  const { own, ...forwarder } = await start(Number(port));
  return {
    ...forwarder,
    address: address.replace(`/${kind}/${port}`, `/${kind}/${own}`),
  };
}

async function forwardUdp(port: number) {
  let open = true;
  const front = createSocket("udp4");
  const backs = new Map<string, Socket>();
  const backOf = ({ address, port: from }: RemoteInfo) => {
    const key = `${address} ${from}`;
    let back = backs.get(key);
    if (!back) {
      back = createSocket("udp4");
      back.on("message", (packet) => open && front.send(packet, from, address));
      back.on("error", () => {});
      backs.set(key, back);
    }
    return back;
  };
  front.on("message", (packet, from) => {
    if (open) backOf(from).send(packet, port, HOST);
  });
  front.on("error", () => {});
  await new Promise<void>((resolve) => front.bind(0, HOST, resolve));
  return {
    own: front.address().port,
    cut: () => void (open = false),
    mend: () => void (open = true),
    async [Symbol.asyncDispose]() {
      for (const socket of [front, ...backs.values()]) {
        await new Promise<void>((resolve) => socket.close(() => resolve()));
      }
    },
  };
}

async function forwardTcp(port: number) {
  let open = true;
  const sockets = new Set<net.Socket>();
  const join = (from: net.Socket, to: net.Socket) => {
    sockets.add(from);
    from.on("data", (data) => {
      if (!open || to.write(data)) return;
      from.pause();
      to.once("drain", () => open && from.resume());
    });
    // The end of a connection is not seen either while the cable is cut.
    from.on("close", () => open && to.destroy());
    from.on("error", () => {});
  };
  const server = net.createServer((front) => {
    const back = net.connect(port, HOST);
    join(front, back);
    join(back, front);
    if (!open) { for (const socket of [front, back]) socket.pause(); }
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const all = (change: (socket: net.Socket) => void) => sockets.forEach(change);
  return {
    own: (server.address() as net.AddressInfo).port,
    cut() {
      open = false;
      all((socket) => socket.pause());
    },
    mend() {
      open = true;
      all((socket) => socket.resume());
    },
    async [Symbol.asyncDispose]() {
      all((socket) => socket.destroy());
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

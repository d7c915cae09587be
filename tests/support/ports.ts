/** Ports for tests that need to know them beforehand, and sockets that occupy them. */
import { createSocket } from "node:dgram";
import { createServer, type Socket } from "node:net";

const HOST = "127.0.0.1";

/** Listens for TCP on 127.0.0.1; a rejected promise says that the port is taken. */
export async function occupyTcp(port = 0): Promise<Occupied> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => resolve());
  });
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Binds a UDP port of 127.0.0.1; a rejected promise says that it is taken. */
export async function occupyUdp(port = 0): Promise<Occupied> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, HOST, () => resolve());
  });
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** A port held by somebody else than the node under test. */
export interface Occupied extends AsyncDisposable {
  port: number;
}

/** The first of four free ports in a row, as a node with all transports takes them. */
export async function findFreePorts(): Promise<number> {
  for (;;) {
    try {
      await using tcp = await occupyTcp();
      for (const offset of [1, 2, 3]) {
        await using _udp = await occupyUdp(tcp.port + offset);
      }
      return tcp.port;
    } catch {
      // One of them is taken: try elsewhere.
    }
  }
}

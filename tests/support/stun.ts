/** A STUN server for tests: it answers binding requests with the address that they came from (RFC 8489). */
import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";

const REQUEST = 0x0001;
const SUCCESS = 0x0101;
const COOKIE = 0x2112a442;
const XOR_MAPPED_ADDRESS = 0x0020;
const HEADER = 20;

/** Starts it on an IPv4 address and port; resolves when it listens. Who asks is not answered before `ready` has resolved. */
export async function startStun(
  host: string,
  port: number,
  ready: Promise<void> = Promise.resolve(),
): Promise<Socket> {
  const socket = createSocket("udp4");
  let closed = false;
  socket.on("close", () => closed = true);
  socket.on("message", async (request, from) => {
    const asks = request.length >= HEADER &&
      request.readUInt16BE(0) === REQUEST && request.readUInt32BE(4) === COOKIE;
    if (!asks) return;
    const answer = Buffer.alloc(HEADER + 12);
    answer.writeUInt16BE(SUCCESS, 0);
    answer.writeUInt16BE(12, 2);
    request.copy(answer, 4, 4, HEADER);
    answer.writeUInt16BE(XOR_MAPPED_ADDRESS, HEADER);
    answer.writeUInt16BE(8, HEADER + 2);
    answer.writeUInt16BE(1, HEADER + 4);
    answer.writeUInt16BE(from.port ^ (COOKIE >>> 16), HEADER + 6);
    const parts = from.address.split(".").map(Number);
    const address = Buffer.from(parts).readUInt32BE(0);
    answer.writeUInt32BE((address ^ COOKIE) >>> 0, HEADER + 8);
    await ready;
    if (!closed) socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(port, host, resolve));
  return socket;
}

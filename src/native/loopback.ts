/**
 * The wake socket where a runtime cannot adopt the library's, which is so on Windows: this side listens on the loopback interface, the
 * library connects and says a token that it was given. Whoever else connects does not know it and is let go.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { clearTimeout, setTimeout } from "node:timers";
import { P2PError } from "../errors.ts";
import type { WakeSocket } from "./binding.ts";
import { wakeSocket } from "./socket.ts";

const TOKEN_BYTES = 32;
/** The library has connected before `connect` returns; a loaded machine may take its time to say so. */
const PATIENCE = 10_000;

/**
 * Listens until the library has connected, and calls `onWake` whenever bytes arrive from it.
 *
 * @param connect Lets the library connect to a port and say the token; what it throws is thrown.
 * @param patience How long the connection may take to come, in milliseconds.
 */
export async function acceptWake(
  connect: (port: number, token: Uint8Array) => void,
  onWake: () => void,
  patience = PATIENCE,
): Promise<WakeSocket> {
  const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  const found = Promise.withResolvers<Socket>();
  found.promise.catch(() => {});
  const strangers = new Set<Socket>();
  const server = createServer((socket) => {
    strangers.add(socket);
    socket.once("close", () => strangers.delete(socket));
    socket.on("error", () => {}); // The close that follows says all.
    hearToken(socket, token, (more) => {
      strangers.delete(socket);
      socket.on("data", onWake);
      found.resolve(socket);
      if (more) onWake();
    });
  });
  server.once("error", found.reject);
  const timer = setTimeout(
    () => found.reject(new Error(`it did not come within ${patience} ms`)),
    patience,
  );
  try {
    await listening(server);
    connect((server.address() as AddressInfo).port, token);
    return wakeSocket(await found.promise);
  } catch (cause) {
    if (cause instanceof P2PError) throw cause;
    throw failure(cause);
  } finally {
    clearTimeout(timer);
    server.close();
    for (const stranger of strangers) stranger.destroy();
  }
}

/** Listens on a port that the system chooses, on this machine alone. */
async function listening(server: ReturnType<typeof createServer>) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

/** Calls `known` once a socket has said the token, with whether more came at once; whoever says something else is let go. */
function hearToken(
  socket: Socket,
  token: Uint8Array,
  known: (more: boolean) => void,
): void {
  const said = new Uint8Array(token.length);
  let length = 0;
  const listen = (bytes: Uint8Array) => {
    const part = bytes.subarray(0, said.length - length);
    said.set(part, length);
    length += part.length;
    if (length < said.length) return;
    socket.off("data", listen);
    if (timingSafeEqual(said, token)) known(bytes.length > part.length);
    else socket.destroy();
  };
  socket.on("data", listen);
}

function failure(cause: unknown): P2PError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new P2PError(
    "LIBRARY_FAILED",
    "the native library wakes the program through a connection to 127.0.0.1, " +
      `which could not be made: ${reason}`,
    { operation: "create", cause },
  );
}

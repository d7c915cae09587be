/**
 * A `net.Socket` as what wakes a program.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { WakeSocket } from "./binding.ts";

/** Takes a socket for the wake socket. */
export function wakeSocket(socket: Socket): WakeSocket {
  socket.on("error", () => {}); // The close that follows says all.
  return {
    ref: () => void socket.ref(),
    unref: () => void socket.unref(),
    close: () =>
      new Promise((resolve) => {
        if (socket.closed) return resolve();
        socket.once("close", () => resolve());
        socket.destroy();
      }),
  };
}

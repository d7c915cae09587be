/**
 * A Worker as the runtime has it: the Web's, or that of `node:worker_threads` in Node.js, which has no other, with the part of the
 * Web's interface that the programs use.
 */
import {
  type MessagePort,
  parentPort,
  Worker as NodeWorker,
} from "node:worker_threads";

/** One end of the talk with a Worker. */
export interface Port {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
}

/** Starts a Worker. */
export function startWorker(url: URL): Port & { terminate(): void } {
  if (typeof Worker === "function") return new Worker(url, { type: "module" });
  const worker = new NodeWorker(url);
  const port = portOf(worker);
  return Object.assign(port, { terminate: () => void worker.terminate() });
}

/** In a Worker, the end that leads to who started it. */
export function parent(): Port {
  return parentPort && typeof Worker !== "function"
    ? portOf(parentPort)
    : globalThis as unknown as Port;
}

function portOf(emitter: NodeWorker | MessagePort): Port {
  const port: Port = {
    onmessage: null,
    postMessage: (message) => emitter.postMessage(message),
  };
  emitter.on("message", (data: unknown) => port.onmessage?.({ data }));
  return port;
}

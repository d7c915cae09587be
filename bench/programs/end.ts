/** Ends with traffic running, in the way that the first argument names. */
import process from "node:process";
import { startWorker } from "../../tests/support/worker.ts";
import { startTraffic } from "./traffic.ts";

const WAYS: Record<string, () => Promise<void>> = {
  /** Calls `process.exit` from inside the traffic. */
  async exit() {
    await startTraffic();
    process.exit(0);
  },
  /** Lets the event loop run dry while Go still works. */
  async natural() {
    for (const node of await startTraffic()) node.unref();
  },
  /** Throws where nobody catches; not while a top-level await is pending, which Bun 1.4 would wait for. */
  async throw() {
    await startTraffic();
    setTimeout(() => {
      throw new Error("on purpose");
    });
  },
  /** Closes the nodes and ends by itself. */
  async close() {
    for (const node of await startTraffic()) node.close();
  },
  /** Terminates the Worker that has the nodes. */
  async terminate() {
    const url = new URL("./traffic_worker.ts", import.meta.url);
    const worker = startWorker(url);
    await new Promise((resolve) => worker.onmessage = resolve);
    worker.terminate();
  },
};

await WAYS[process.argv[2]]();
console.log("ending");

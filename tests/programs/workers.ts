/** Four Workers with a node each, one of them terminated: `workers.ts <folder> <port>`. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import process from "node:process";
import { createNode } from "../support/node.ts";
import { occupyTcp } from "../support/ports.ts";
import { decode, encode, once, take, until } from "../support/wait.ts";
import { startWorker } from "../support/worker.ts";

const [folder, port] = process.argv.slice(2);
await using hub = await createNode({ identityDir: join(folder, "hub") });

const workers = await Promise.all([0, 1, 2, 3].map(async (index) => {
  const url = new URL("./worker.ts", import.meta.url);
  const worker = startWorker(url);
  const answer = new Promise<string>((resolve) => {
    worker.onmessage = ({ data }) => resolve(data as string);
  });
  worker.postMessage({
    identityDir: join(folder, `${index}`),
    port: index === 0 ? Number(port) : 0,
    hub: hub.addresses,
  });
  return { worker, peerId: await answer };
}));

async function exchange(ids: string[]): Promise<void> {
  for (const id of ids) {
    await hub.sendMessageToPeer(`${hub.peerId}::dm:${id}-ask`, encode(id));
  }
  const answers = await take(hub, ids.length);
  assertEquals(
    answers.map(({ from, data }) => [from, decode(data)]).sort(),
    ids.map((id) => [id, `${id} answers`]).sort(),
  );
}

const ids = workers.map(({ peerId }) => peerId);
await exchange(ids);

const [first, ...others] = workers;
const gone = once(hub, "peerdisconnect");
const started = performance.now();
first.worker.terminate();
await until(async () => {
  try {
    await using _free = await occupyTcp(Number(port));
    return true;
  } catch {
    return false;
  }
}, "the terminated Worker's port is free");
console.log(performance.now() - started < 1000 ? "free in time" : "free late");
assertEquals((await gone).detail.id, first.peerId);
await exchange(ids.slice(1));
for (const { worker } of others) worker.terminate();
console.log("done");

/** Makes 100,000 calls that wait and ends them all: `aborts.ts sends|requests signal|timeout`. */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import {
  connect,
  createNode,
  directChannel,
} from "../../tests/support/node.ts";

const CALLS = 100_000;
const [what, how] = process.argv.slice(2);
await using alice = await createNode();
await using bob = await createNode();
await connect(alice, bob);
const channel = directChannel(alice, bob);
const full = alice.sender(channel);
const large = new Uint8Array(1 << 20);
// Until the receiver's window, the network's buffers and the own window are full, down to the last kilobyte.
for (const length of [1 << 20, 1000]) {
  for (let refused = 0; refused < 20; refused++) {
    while (full.send(large.subarray(0, length))) refused = 0;
    await delay(10);
  }
}

const abort = new AbortController();
const timeout = 10_000;
const options = how === "signal" ? { signal: abort.signal } : { timeout };
const data = new Uint8Array(100);
const call = what === "sends"
  ? () => alice.sendMessageToPeer(channel, data, options)
  : () => alice.getNodeAddresses("", options);
const begin = performance.now();
const calls = [];
for (let i = 0; i < CALLS; i++) calls.push(call());
const made = performance.now() - begin;
const all = Promise.allSettled(calls);

let longest = 0, last = performance.now();
const watch = setInterval(() => {
  longest = Math.max(longest, performance.now() - last - 1);
  last = performance.now();
}, 1);
const before = performance.now();
abort.abort(new Error("given up"));
const aborted = performance.now() - before;
const ends = await all;
const took = performance.now() - before;
await delay(5);
clearInterval(watch);
const ended = ends.filter(({ status }) => status === "rejected").length;
console.log(JSON.stringify({
  made: Math.round(made),
  abort: how === "signal" ? Math.round(aborted) : undefined,
  "all ended after": how === "signal" ? Math.round(took) : undefined,
  "longest block": Math.round(longest),
  ended,
}));
process.exit(0);

/** Two million calls of the library in one turn of the event loop: prints by how many megabytes that made the process grow. */
import process from "node:process";
import { loadBinding } from "../../src/native/library.ts";

const CALLS = 1_000_000;
const binding = await loadBinding();
const link = binding.open(binding.openFlags);
const outlet = binding.outlet(link);
const slab = new Uint8Array(256 << 10);

function call(times: number): void {
  for (let i = 0; i < times; i++) {
    binding.wait(link, outlet, 1);
    binding.drain(link, slab.subarray(0, 128 << 10), 128 << 10, 0);
  }
}

call(20_000);
const before = process.memoryUsage().rss;
call(CALLS);
console.log(Math.round((process.memoryUsage().rss - before) / 1e6));
process.exit(0);

/** Reads hostile messages, and prints how long the slowest took of each kind, and what came out beside a `P2PError`. */
import process from "node:process";
import { P2PError } from "../../src/errors.ts";
import { decodeMessage } from "../../src/messages/mod.ts";
import { HostileMessages } from "../../tests/support/hostile.ts";
import { peakMB } from "../../tests/support/memory.ts";

const [count, size, seed] = process.argv.slice(2).map(Number);
const slowest = new Map<string, { message: number; ms: number; cpu: number }>();
const undeclared: string[] = [];
const messages = new HostileMessages(seed, size);
for (let message = 0; message < count; message++) {
  const { kind, bytes } = messages.next();
  const before = process.cpuUsage();
  const start = performance.now();
  try {
    decodeMessage(bytes);
  } catch (error) {
    if (!(error instanceof P2PError)) undeclared.push(`${message}: ${error}`);
  }
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  if (ms <= (slowest.get(kind)?.ms ?? 0)) continue;
  slowest.set(kind, { message, ms, cpu: (user + system) / 1000 });
}
const mostMB = Math.round(peakMB());
console.log(JSON.stringify({ slowest: [...slowest], undeclared, mostMB }));

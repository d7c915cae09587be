/** Reads hostile messages, and prints how long the one of each kind took that took a processor longest, and what came out beside a `P2PError`. */
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
  const cpu = (user + system) / 1000;
  if (cpu > (slowest.get(kind)?.cpu ?? 0)) {
    slowest.set(kind, { message, ms, cpu });
  }
}
const mostMB = Math.round(peakMB());
console.log(JSON.stringify({ slowest: [...slowest], undeclared, mostMB }));

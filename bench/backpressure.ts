/**
 * One process sends 100,000 messages of 100 B and 2,000 of 64 KiB to another whose program pauses for 2 s in the middle: whether all
 * arrive in order and unchanged, and the most memory that each process took.
 *
 *     deno run -A bench/backpressure.ts
 */
import { measure, print, runtimes } from "./table.ts";

interface Seen {
  messages: number;
  intact: boolean;
  seconds: number;
  senderMB: number;
  receiverMB: number;
}

const rows = [];
for (const runtime of await runtimes()) {
  const seen = await measure<Seen>(
    runtime,
    "backpressure.ts",
    [],
    120_000,
  );
  rows.push({ runtime: `${runtime.name} ${runtime.version}`, ...seen });
}
print("A receiver that pauses for 2 s", rows);

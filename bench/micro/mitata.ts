/** The same pieces in Bun and Node.js, which have no benchmark runner: mitata, which `deno bench` resembles, does it. Its module is the argument. */
import process from "node:process";
import { cases } from "./cases.ts";

interface Mitata {
  bench(name: string, fn: () => unknown): void;
  group(name: string, fn: () => void): void;
  run(): Promise<void>;
}

const { bench, group, run } = await import(process.argv[2]) as Mitata;
const all = await cases();
for (const name of new Set(all.map(({ group }) => group))) {
  group(name, () => {
    for (const one of all.filter(({ group }) => group === name)) {
      bench(`${one.name} (x ${one.times})`, async () => await one.run());
    }
  });
}
await run();
process.exit(0);

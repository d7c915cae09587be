// The pieces that a message passes through, for `deno bench -A`; `deno task bench` runs them in each runtime.
import { cases } from "./cases.ts";

for (const { group, name, times, run } of await cases()) {
  Deno.bench(`${name} (x ${times})`, { group }, async () => {
    await run();
  });
}

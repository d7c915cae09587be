/**
 * Asks for Go's profiler on a free port, and on one that is taken: `pprof.ts <identity folder> [taken]`. Prints the warnings and
 * what it reads there.
 */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { P2P } from "../../mod.ts";
import { createNode } from "../support/node.ts";

const [identityDir, taken] = process.argv.slice(2);
const server = createServer();
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
const close = () => new Promise((resolve) => server.close(resolve));
if (!taken) await close();

const warnings: string[] = [];
P2P.setupLibrary({
  pprof: `127.0.0.1:${port}`,
  logger: ({ message }) => warnings.push(message),
});
const node = await createNode({ identityDir });
const read = async () => {
  const url = `http://127.0.0.1:${port}/debug/pprof/goroutine?debug=1`;
  return await (await fetch(url)).text();
};
const profile = taken ? "" : await read();
await node.close();
if (taken) await close();
console.log(JSON.stringify({ profile, warnings }));
process.exit(0);

/**
 * From an empty folder to a listening node, and from there to the next one: the package installed from registries on this machine
 * by each way that there is, with an empty home and nothing on the PATH. The library is packed as a release packs it.
 *
 *     deno run -A bench/installing.ts [--runs 5]
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildLibrary } from "../scripts/build.ts";
import {
  allWays,
  command,
  type Newcomer,
  newcomer,
  type Registries,
  startRegistries,
  type Way,
} from "../tests/registry/ways.ts";
import { startHello } from "../tests/support/hello.ts";
import { withFolder } from "../tests/support/node.ts";
import { releaseOf } from "../tests/support/release.ts";
import { median, print } from "./table.ts";

/** As a release is packed. */
const LEVEL = 19;
const { values } = parseArgs({
  options: { runs: { type: "string", default: "5" } },
});

/** Milliseconds that the way's command takes to install. */
async function installs(way: Way, user: Newcomer): Promise<number> {
  const started = performance.now();
  await command(way.install, user);
  return performance.now() - started;
}

/** Milliseconds from the start of a process until it listens. */
async function listens(way: Way, user: Newcomer): Promise<number> {
  const started = performance.now();
  const hello = startHello([...way.run, "hello.ts"], user);
  await hello.line(/ listens on /);
  const took = performance.now() - started;
  await hello.end();
  return took;
}

interface Measured {
  install: number;
  first: number;
  second: number;
}

function newcomerTakes(way: Way, registries: Registries): Promise<Measured> {
  return withFolder(async (folder) => {
    const user = newcomer(folder, registries);
    return {
      install: await installs(way, user),
      first: await listens(way, user),
      second: await listens(way, user),
    };
  });
}

const folder = mkdtempSync(join(tmpdir(), "p2p-installing-"));
const release = releaseOf(readFileSync(await buildLibrary()), LEVEL);
const registries = await startRegistries(folder, release);
const rows = [];
try {
  for (const way of await allWays()) {
    const runs: Measured[] = [];
    for (let run = 0; run < Number(values.runs); run++) {
      runs.push(await newcomerTakes(way, registries));
    }
    const all = runs.map(({ install, first }) => install + first);
    const of = (part: keyof Measured) =>
      median(runs.map((run) => run[part])).toFixed(0);
    rows.push({
      way: way.name,
      "install ms": of("install"),
      "first start ms": of("first"),
      "both ms": median(all).toFixed(0),
      "slowest ms": Math.max(...all).toFixed(0),
      "second start ms": of("second"),
    });
  }
} finally {
  await registries[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}
print(`${values.runs} newcomers each`, rows);

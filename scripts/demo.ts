/**
 * The demo: a Deno process and a Bun process find each other over QUIC on this
 * machine, exchange messages both ways and end. What the two do is in
 * `examples/demo/peer.ts`; this starts them and prints what they say.
 *
 * @module
 */
import { join } from "@std/path";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { BuildError, buildLibrary } from "./build.ts";
import { findRuntime, type Runtime } from "./runtimes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PEER = join(ROOT, "examples", "demo", "peer.ts");
const DEADLINE = 60_000;

const children: ChildProcess[] = [];

interface Peer {
  /** Resolves with the address that the peer prints once it listens. */
  address: Promise<string>;
  /** Resolves when the process has ended: whether all that it had to do was done. */
  ended: Promise<boolean>;
}

function startPeer(runtime: Runtime, folder: string, address?: string): Peer {
  const run = runtime.name === "deno"
    ? ["run", `--allow-read=${ROOT}`, `--allow-ffi=${join(ROOT, ".cache")}`]
    : ["run"];
  const identity = join(folder, runtime.name);
  const child = spawn(
    runtime.path,
    [...run, PEER, identity, ...(address ? [address] : [])],
    { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] },
  );
  children.push(child);
  const print = (line: string) =>
    console.log(`${runtime.name.padEnd(4)} | ${line}`);
  const listening = Promise.withResolvers<string>();
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    print(line);
    const found = /^listening on (\S+)$/.exec(line);
    if (found) listening.resolve(found[1]);
  });
  const ended = new Promise<boolean>((resolve) => {
    child.on("error", (error) => print(error.message));
    child.on("close", (code, signal) => {
      print(code === 0 ? "ended" : `ended with ${signal ?? `code ${code}`}`);
      listening.reject(new Error(`the ${runtime.name} peer never listened`));
      if (code !== 0) killPeers();
      resolve(code === 0);
    });
  });
  listening.promise.catch(() => {});
  return { address: listening.promise, ended };
}

/** Without its partner a peer would wait for ever. */
function killPeers(): void {
  for (const child of children) child.kill("SIGKILL");
}

async function demo(): Promise<boolean> {
  const started = performance.now();
  await buildLibrary();
  const [deno, bun] = await Promise.all(
    [findRuntime("deno"), findRuntime("bun")],
  );
  const folder = mkdtempSync(join(tmpdir(), "p2p-demo-"));
  const deadline = setTimeout(() => {
    console.log(`not done after ${DEADLINE / 1000} s: ending both peers`);
    killPeers();
  }, DEADLINE);
  try {
    const answerer = startPeer(bun, folder);
    const caller = startPeer(deno, folder, await answerer.address);
    const ended = await Promise.all([answerer.ended, caller.ended]);
    const took = ((performance.now() - started) / 1000).toFixed(1);
    const done = ended.every(Boolean);
    console.log(done ? `done in ${took} s` : `failed after ${took} s`);
    return done;
  } finally {
    clearTimeout(deadline);
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  if (!await demo()) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof BuildError ? error.message : error);
  process.exitCode = 1;
}

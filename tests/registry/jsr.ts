/**
 * JSR on this machine: which versions there are, which files a version has, and the files that `deno publish` would publish, over
 * HTTP. What it pins is a release of a test.
 */
import { join } from "@std/path";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { findRuntime } from "../../scripts/runtimes.ts";
import type { TestRelease } from "../support/release.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PINNED = "/src/native/artefacts.ts";

/** A registry that answers. */
export interface Jsr extends AsyncDisposable {
  /** Its address. */
  readonly url: string;
  /** Bytes of all files of the package. */
  readonly bytes: number;
}

/** What JSR answers: which versions there are, which files one has, and the files. */
/** Starts a registry that has this package. */
export async function startJsr({ release }: TestRelease): Promise<Jsr> {
  const files = new Map<string, Uint8Array>();
  for (const path of await published()) files.set(`/${path}`, read(path));
  const record = new TextDecoder().decode(files.get(PINNED));
  const pinned = record.slice(0, record.indexOf("export const RELEASE")) +
    `export const RELEASE: Release = ${JSON.stringify(release)};\n`;
  files.set(PINNED, new TextEncoder().encode(pinned));
  const answers = answersFor(files);
  const server = createServer(({ url = "" }, response) => {
    const json = url.endsWith(".json");
    const type = json ? "application/json" : "text/typescript";
    const answer = answers.get(url);
    const status = answer === undefined ? 404 : 200;
    response.writeHead(status, { "content-type": type }).end(answer);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    bytes: [...files.values()].reduce((sum, { length }) => sum + length, 0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** What JSR says of a package, and has of it, by path. */
function answersFor(
  files: Map<string, Uint8Array>,
): Map<string, string | Uint8Array> {
  const { name, version, exports } = JSON.parse(String(read("deno.json")));
  const at = `/${name}/${version}`;
  const answers = new Map<string, string | Uint8Array>();
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, data] of files) {
    const hash = createHash("sha256").update(data).digest("hex");
    manifest[path] = { size: data.length, checksum: `sha256-${hash}` };
    answers.set(at + path, data);
  }
  const versions = { latest: version, versions: { [version]: {} } };
  answers.set(`/${name}/meta.json`, JSON.stringify(versions));
  answers.set(`${at}_meta.json`, JSON.stringify({ manifest, exports }));
  return answers;
}

/** The files that `deno publish` would publish. */
async function published(): Promise<string[]> {
  const deno = await findRuntime("deno");
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-check"];
  const run = promisify(execFile);
  const { stdout, stderr } = await run(deno.path, args, {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1" },
  });
  const root = pathToFileURL(ROOT).href;
  return [...(stdout + stderr).matchAll(/^ +(file:\S+) \([\d.]+[KM]?B\)$/gm)]
    .map(([, url]) => url.slice(root.length));
}

function read(path: string) {
  return readFileSync(join(ROOT, path));
}

/**
 * The licences of what is linked into a library: of the Go modules whose packages it consists of, of Go's own library, and of what
 * zig adds. Their texts are taken from where the build takes the code, each once.
 *
 * @module
 */
import { join } from "@std/path";
import { readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { run } from "../steps.ts";
import { goEnvironment, type Workshop } from "./compile.ts";
import type { Platform } from "./platforms.ts";
import { Refusal } from "./refusal.ts";

/** A name of a file with a licence, or with a notice that has to be kept. */
const LICENCE = /^(licen[cs]es?|copying|copyright|notice|patents)\b/i;
/** What zig links in of a system's library, beside its own runtime. */
const OF_ZIG: Record<string, string> = {
  linux: "lib/libc/glibc/LICENSES",
  windows: "lib/libc/mingw/COPYING",
};
/** Package, module, version, folder of the module: a line of `go list` for each package of another module. */
const PACKAGES =
  "{{if and .Module (not .Module.Main)}}{{.Dir}}\t{{.Module.Path}}\t{{.Module.Version}}\t{{.Module.Dir}}{{end}}";

/** The text of `LICENSES.txt` for a platform. */
export async function licences(
  platform: Platform,
  workshop: Workshop,
): Promise<string> {
  const owners = new Map<string, Set<string>>();
  const note = (owner: string, files: string[]) => {
    if (files.length === 0) {
      throw new Refusal(`${owner} has no licence that could be delivered`);
    }
    for (const file of files) {
      const text = readFileSync(file, "utf8").replaceAll("\r\n", "\n").trim();
      owners.set(text, (owners.get(text) ?? new Set()).add(owner));
    }
  };
  const [root, version] = await goEnv(
    platform,
    workshop,
    "GOROOT",
    "GOVERSION",
  );
  note(`Go's standard library ${version}`, licencesIn(root));
  if (workshop.zig) {
    const texts = ["LICENSE", OF_ZIG[platform.goos]];
    note("zig's runtime", texts.map((text) => join(workshop.zig!, text)));
  }
  for (const [name, folders] of await modules(platform, workshop)) {
    note(name, [...folders].flatMap(licencesIn));
  }
  return compose(platform, owners);
}

function compose(
  { key, file }: Platform,
  owners: Map<string, Set<string>>,
): string {
  const parts = [...owners].map(([text, names]) =>
    [...[...names].sort(), "", text].join("\n")
  );
  const rule = `\n\n${"-".repeat(80)}\n\n`;
  const head =
    `What is linked into ${file} for ${key} beside @unaiverse/p2p itself (see LICENSE), and under which licences:`;
  return [head, ...parts.sort()].join(rule) + "\n";
}

/** By module, the folders of its packages that are linked in, and those above them, up to the module's. */
async function modules(
  platform: Platform,
  workshop: Workshop,
): Promise<Map<string, Set<string>>> {
  const listed = await go(
    platform,
    workshop,
    "list",
    "-deps",
    "-f",
    PACKAGES,
    ".",
  );
  const found = new Map<string, Set<string>>();
  for (const line of listed) {
    const [folder, path, version, top] = line.split("\t");
    const name = `${path} ${version}`;
    const folders = found.get(name) ?? new Set();
    found.set(name, folders);
    for (let at = folder; at.length >= top.length; at = dirname(at)) {
      folders.add(at);
    }
  }
  return found;
}

function licencesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && LICENCE.test(entry.name))
    .filter(({ name }) => !name.endsWith(".go"))
    .map(({ name }) => join(folder, name));
}

async function goEnv(
  platform: Platform,
  workshop: Workshop,
  ...names: string[]
): Promise<string[]> {
  return await go(platform, workshop, "env", ...names);
}

async function go(
  platform: Platform,
  { sources, env }: Workshop,
  ...args: string[]
): Promise<string[]> {
  const finished = await run("go", args, {
    cwd: sources,
    env: { ...goEnvironment(platform), ...env },
  });
  if (finished.code !== 0) {
    throw new Refusal(`go ${args[0]}: ${finished.output}`);
  }
  return finished.output.split("\n").filter((line) =>
    line !== "" && !line.startsWith("go: downloading ")
  );
}

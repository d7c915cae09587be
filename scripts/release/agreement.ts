/**
 * What has to agree before anything is released: the version wherever it is written, and the ABI of both halves. Each that does
 * not is told by itself.
 *
 * @module
 */
import { join } from "@std/path";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { PLATFORMS } from "./platforms.ts";

const VERSION = "src/version.ts";
const ABI = "src/native/codec.ts";
const CHANGELOG = "CHANGELOG.md";
const ABI_IN = {
  "go/bridge/bridge.h": /^#define P2P_ABI (\d+)$/m,
  "docs/boundary.md": /ABI number: \*\*(\d+)\*\*/,
};

/** The version and the ABI of a checkout, as its TypeScript half has them. */
export function identity(root: string): { version: string; abi: number } {
  return {
    version: find(root, VERSION, /VERSION\b[^=]*= "([^"]+)"/),
    abi: Number(find(root, ABI, /^export const ABI\b[^=]*= (\d+);/m)),
  };
}

/**
 * What does not agree in a checkout, a line each, with the file that disagrees; nothing when it can be released.
 *
 * @param tag The tag that the release is made for: with one the version is final, and the changelog has to say so.
 */
export function disagreements(root: string, tag?: string): string[] {
  const { version, abi } = identity(root);
  const found: string[] = [];
  const expect = (file: string, what: string, said: string, wanted: string) => {
    if (said === wanted) return;
    found.push(`${file} has ${what} ${said}, and ${wanted} is wanted`);
  };
  for (const file of ["deno.json", "package.json"]) {
    expect(file, "version", json(root, file).version, version);
  }
  const title = find(root, CHANGELOG, /^## (.+)$/m);
  expect(CHANGELOG, "as its newest version", title.split(" ")[0], version);
  found.push(...platformPackages(root, version));
  for (const [file, pattern] of Object.entries(ABI_IN)) {
    expect(file, "ABI", find(root, file, pattern), String(abi));
  }
  if (tag === undefined) return found;
  if (tag !== `v${version}`) {
    found.push(`the tag is ${tag}, and v${version} is wanted`);
  }
  if (title.includes("unreleased")) {
    found.push(`${CHANGELOG} calls ${title}: write its date there`);
  }
  return found;
}

function platformPackages(root: string, version: string): string[] {
  const found: string[] = [];
  for (const { key, file } of PLATFORMS) {
    const path = `packages/${key}/package.json`;
    if (!existsSync(join(root, path))) {
      found.push(`there is no ${path}`);
      continue;
    }
    const [os, cpu] = key.split("-");
    const wanted = {
      name: `@unaiverse/p2p-${key}`,
      version,
      os: [os],
      cpu: [cpu],
      files: [`${file}.zst`, "LICENSES.txt"],
    };
    const said = json(root, path);
    for (const [name, value] of Object.entries(wanted)) {
      const [is, should] = [said[name], value].map((v) => JSON.stringify(v));
      if (is === should) continue;
      found.push(`${path} has ${name} ${is}, and ${should} is wanted`);
    }
  }
  const keys = PLATFORMS.map(({ key }) => key);
  for (const name of readdirSync(join(root, "packages"))) {
    if (keys.includes(name)) continue;
    found.push(`packages/${name} is of no platform that is built`);
  }
  return found;
}

// deno-lint-ignore no-explicit-any
function json(root: string, file: string): any {
  return JSON.parse(readFileSync(join(root, file), "utf8"));
}

function find(root: string, file: string, pattern: RegExp): string {
  const found = pattern.exec(readFileSync(join(root, file), "utf8"))?.[1];
  if (found === undefined) throw new Error(`nothing in ${file} is ${pattern}`);
  return found;
}

/**
 * Which npm registry to ask, and as whom: what npm itself would take from the environment and the `.npmrc` files of the
 * program's folder and of the user.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** The registry of those who have not named another one. */
export const PUBLIC_REGISTRY = "https://registry.npmjs.org/";
const SCOPE = "@unaiverse";

/** A registry, with what it wants to be shown. */
export interface RegistryAddress {
  /** Ends in a slash. */
  readonly url: string;
  /** Sent as `Authorization`, to this registry and to nobody else. */
  readonly authorization?: string;
}

/** What the environment says; `undefined` also where Deno does not let it be read. */
export type Variables = (name: string) => string | undefined;

/** The registry for packages of our scope; what comes first counts: `named`, then what npm would go by. */
export function registryAddress(
  named?: string,
  variable: Variables = environment,
): RegistryAddress {
  const files = configurations(variable);
  const find = (key: string) =>
    files.map((file) => file.get(key)).find((value) => value !== undefined);
  const address = named ??
    find(`${SCOPE}:registry`) ??
    setting("registry", variable) ??
    find("registry") ??
    PUBLIC_REGISTRY;
  const url = address.endsWith("/") ? address : `${address}/`;
  return { url, authorization: authorizationFor(url, find) };
}

/** npm names credentials by the address without its protocol; those for the longest part of the path count. */
function authorizationFor(
  url: string,
  find: (key: string) => string | undefined,
): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { host, pathname } = new URL(url);
  const folders = pathname.split("/").slice(1, -1);
  for (let count = folders.length; count >= 0; count--) {
    const path = folders.slice(0, count).map((name) => `${name}/`).join("");
    const token = find(`//${host}/${path}:_authToken`);
    if (token) return `Bearer ${token}`;
    const basic = find(`//${host}/${path}:_auth`);
    if (basic) return `Basic ${basic}`;
  }
  return undefined;
}

/** The configuration files that there are, the nearest first. */
function configurations(variable: Variables): Map<string, string>[] {
  const paths = [
    () => join(process.cwd(), ".npmrc"),
    () =>
      setting("userconfig", variable) ??
        join(variable("HOME") || homedir(), ".npmrc"),
  ];
  return paths.map((path) => {
    try {
      return parseNpmrc(readFileSync(path(), "utf8"), variable);
    } catch {
      // No such file, no home, or no right to read it: then it says nothing.
      return new Map();
    }
  });
}

/** The keys and values of an `.npmrc`, with `${NAME}` replaced by what the environment has. */
export function parseNpmrc(
  text: string,
  variable: Variables,
): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const equals = line.indexOf("=");
    if (equals < 0 || /^\s*[;#]/.test(line)) continue;
    const value = line.slice(equals + 1).trim()
      .replace(/^(["'])(.*)\1$/, "$2")
      .replace(/\$\{([^}]+)\}/g, (whole, name) => variable(name) ?? whole);
    values.set(line.slice(0, equals).trim(), value);
  }
  return values;
}

/** A setting of npm's in the environment. */
function setting(name: string, variable: Variables): string | undefined {
  return variable(`npm_config_${name}`) ??
    variable(`NPM_CONFIG_${name.toUpperCase()}`);
}

function environment(name: string): string | undefined {
  try {
    return process.env[name];
  } catch {
    return undefined;
  }
}

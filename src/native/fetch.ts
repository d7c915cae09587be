/**
 * Fetches the packed library out of its package in an npm registry: by the address that all registries which follow npm's give
 * to a tarball, and where that is another one, by the one that the registry tells.
 *
 * @module
 */

import type { Artefact } from "./release.ts";
import { download, type DownloadOptions, RefusalError } from "./download.ts";
import { InstallError } from "./failures.ts";
import { type RegistryAddress, registryAddress } from "./npmrc.ts";
import { fileOfTarball } from "./tarball.ts";

/** Bytes that a package may have beside the library: its licence list, and what compression costs where it gains nothing. */
const BESIDE = 4 << 20;
/** Bytes of the longest description of a package, with all of its versions. */
const LONGEST_DESCRIPTION = 8 << 20;

/** What to fetch, and from whom. */
export interface FetchOptions {
  readonly name: string;
  readonly version: string;
  readonly registry?: string;
  readonly timeout: number;
  progress?(received: number): void;
}

/** A packed library, and where it came from. */
export interface Packed {
  readonly url: string;
  readonly data: Uint8Array;
}

/**
 * The packed library, not yet looked through.
 *
 * @throws {InstallError} When there is none to be had.
 */
export async function fetchPacked(
  artefact: Artefact,
  options: FetchOptions,
): Promise<Packed> {
  const { name, version, timeout, progress } = options;
  const registry = registryAddress(options.registry);
  if (!/^https?:/.test(registry.url) || !URL.canParse(registry.url)) {
    throw new InstallError("registry", `${registry.url} is no http address`);
  }
  const limit = artefact.packedBytes + BESIDE;
  const fetched = (url: string) =>
    download(url, { limit, timeout, progress, ...credentials(registry, url) });
  const file = `${name.slice(name.indexOf("/") + 1)}-${version}.tgz`;
  let url = `${registry.url}${name}/-/${file}`;
  const tarball = await fetched(url).catch(async (error) => {
    if (!(error instanceof RefusalError) || error.status !== 404) throw error;
    url = await addressOf(registry, name, version, { timeout, limit: 0 });
    return await fetched(url);
  });
  try {
    const data = await fileOfTarball(tarball, `${artefact.file}.zst`, limit);
    return { url, data };
  } catch (error) {
    const { message } = error as Error;
    throw new InstallError(
      "content",
      `${url} cannot be used: ${message}`,
      error,
    );
  }
}

/** The address of a version's tarball, by the registry's own description of the package. */
async function addressOf(
  registry: RegistryAddress,
  name: string,
  version: string,
  options: DownloadOptions,
): Promise<string> {
  const url = `${registry.url}${name.replace("/", "%2f")}`;
  const text = await download(url, {
    ...options,
    ...credentials(registry, url),
    limit: LONGEST_DESCRIPTION,
  });
  const missing = (what: string) =>
    new InstallError("registry", `${registry.url} has ${name}, but ${what}`);
  let tarball: unknown;
  try {
    const { versions } = JSON.parse(new TextDecoder().decode(text));
    tarball = versions?.[version]?.dist?.tarball;
  } catch (cause) {
    throw new InstallError(
      "content",
      `${url} is no description of a package`,
      cause,
    );
  }
  if (tarball === undefined) throw missing(`no version ${version} of it`);
  if (typeof tarball === "string" && /^https?:/.test(tarball)) return tarball;
  throw missing(`no address for version ${version}`);
}

/** A registry's secret goes to nobody but that registry. */
function credentials(
  { url, authorization }: RegistryAddress,
  asked: string,
): { authorization?: string } {
  const same = new URL(url).origin === new URL(asked).origin;
  return same && authorization !== undefined ? { authorization } : {};
}

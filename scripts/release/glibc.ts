/**
 * Which glibc a library asks for. Its versions stand by name among the strings of the library; whoever loads it where the newest of
 * them is missing is told "version `GLIBC_2.34' not found".
 *
 * @module
 */

/** The newest version of glibc that a library asks for; undefined where it asks for none. */
export function newestGlibc(library: Uint8Array): string | undefined {
  const text = new TextDecoder("latin1").decode(library);
  const versions = [...text.matchAll(/GLIBC_(\d+(?:\.\d+)+)\0/g)];
  return versions.map(([, version]) => version).sort(compareVersions).at(-1);
}

/** Below 0 where the first of two versions such as `2.9` and `2.17` is the older one. */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/**
 * The packed library that a program carries in itself; `compile.ts` names it before the first node is made.
 *
 * @module
 */

let file: string | undefined;

/** Names the file, as the program's own file system knows it. */
export function embed(path: string | undefined): void {
  file = path;
}

/** The file, if the program carries one. */
export function embeddedLibrary(): string | undefined {
  return file;
}

/**
 * A stand-in for the part of `@std/path` that this project uses, for machines
 * that cannot reach the JSR registry. The names are the originals' own; the work
 * is done by `node:path` and `node:url`.
 *
 * @module
 */
import * as path from "node:path";
import * as url from "node:url";

/** The last part of a path; `suffix` is cut from its end. */
export function basename(path_: string, suffix?: string): string {
  return path.basename(path_, suffix);
}

/** The path without its last part. */
export function dirname(path_: string | URL): string {
  return path.dirname(text(path_));
}

/** The path of a `file:` URL; anything else is a `TypeError`. */
export function fromFileUrl(url_: string | URL): string {
  return url.fileURLToPath(url_);
}

/** Whether the path starts at the root. */
export function isAbsolute(path_: string): boolean {
  return path.isAbsolute(path_);
}

/** The parts joined by the separator, and normalised. */
export function join(path_: string | URL, ...paths: string[]): string {
  return path.join(text(path_), ...paths);
}

/** The way from one path to another. */
export function relative(from: string, to: string): string {
  return path.relative(from, to);
}

/** The absolute path that the segments lead to, from the right to the left. */
export function resolve(...pathSegments: string[]): string {
  return path.resolve(...pathSegments);
}

/** The `file:` URL of an absolute path; a relative one is a `TypeError`. */
export function toFileUrl(path_: string): URL {
  if (!path.isAbsolute(path_)) {
    throw new TypeError(`Path must be absolute: received "${path_}"`);
  }
  return url.pathToFileURL(path_);
}

function text(path_: string | URL): string {
  return path_ instanceof URL ? fromFileUrl(path_) : path_;
}

/**
 * Takes one file out of the tarball of an npm package. Nothing is written anywhere, no path of the archive is used, and what it
 * unpacks to is bounded before it is unpacked.
 *
 * @module
 */

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { InstallError, reasonOf } from "./failures.ts";

const BLOCK = 512;

/**
 * The bytes of a file in the package's folder.
 *
 * @throws {InstallError} `content`: it is no such tarball, or it unpacks to more than `limit` bytes.
 */
export async function fileOfTarball(
  tarball: Uint8Array,
  name: string,
  limit: number,
): Promise<Uint8Array> {
  if (tarball[0] !== 0x1f || tarball[1] !== 0x8b) {
    throw new InstallError(
      "content",
      `it is no tarball${beginningOf(tarball)}`,
    );
  }
  const options = { maxOutputLength: limit };
  const archive = await promisify(gunzip)(tarball, options).catch((cause) => {
    throw new InstallError("content", explain(cause, limit), cause);
  });
  for (const entry of entriesOf(archive)) {
    // Whatever the packer called the folder that all files of a package are in.
    if (entry.name.replace(/^[^/]*\//, "") === name) return entry.data;
  }
  throw new InstallError("content", `there is no ${name} in it`);
}

interface Entry {
  name: string;
  data: Uint8Array;
}

/** The regular files of an archive whose end may be missing. */
function* entriesOf(archive: Uint8Array): Generator<Entry> {
  let at = 0;
  while (at + BLOCK <= archive.length) {
    const header = archive.subarray(at, at + BLOCK);
    const size = parseInt(textOf(header, 124, 12), 8) || 0;
    const type = textOf(header, 156, 1);
    at += BLOCK;
    if (type === "" || type === "0") {
      yield {
        name: textOf(header, 0, 100),
        data: archive.subarray(at, at + size),
      };
    }
    at += Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** A text in a header, up to its first zero. */
function textOf(header: Uint8Array, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return String.fromCharCode(...end < 0 ? field : field.subarray(0, end));
}

function explain(cause: Error & { code?: string }, limit: number): string {
  if (cause.code === "ERR_BUFFER_TOO_LARGE") {
    return `it unpacks to more than the ${limit} bytes that it can have`;
  }
  return cause.code === "Z_BUF_ERROR"
    ? "it is truncated"
    : `it is damaged (${reasonOf(cause)})`;
}

/** What it is instead, if that is text: a page of a proxy, for example. */
function beginningOf(data: Uint8Array): string {
  const text = new TextDecoder().decode(data.subarray(0, 60)).trim();
  return text === "" ? "" : `, it begins with ${JSON.stringify(text)}`;
}

/**
 * Why a native library could not be brought. What is to be done about it depends on where the program runs, and stands in
 * `remedies.ts`.
 *
 * @module
 */

import { P2PError, type P2PErrorCode } from "../errors.ts";

/**
 * The kinds of failures:
 *
 * | kind | what happened |
 * | --- | --- |
 * | `content` | something else came than what was released |
 * | `folder` | the cache cannot be written |
 * | `glibc` | the system's C library is too old |
 * | `home` | nothing says where the cache is |
 * | `musl` | the system cannot load such a library |
 * | `network` | the registry was not reached, or went away |
 * | `permission` | the program is not allowed what it takes |
 * | `platform` | no library was released for this platform |
 * | `registry` | the registry has no such package, or wants to be asked by somebody else |
 * | `stalled` | the registry fell silent |
 */
export type InstallFailure =
  | "content"
  | "folder"
  | "glibc"
  | "home"
  | "musl"
  | "network"
  | "permission"
  | "platform"
  | "registry"
  | "stalled";

/** A library that could not be brought. */
export class InstallError extends Error {
  override readonly name = "InstallError";
  readonly kind: InstallFailure;

  /** Makes one; what the runtime does not allow is of a kind of its own, whatever it was needed for. */
  constructor(kind: InstallFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = isDenied(cause) ? "permission" : kind;
  }
}

/** Deno tells what it does not allow by the name of the error, Node by its code. */
function isDenied(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const { name, code } = cause as Error & { code?: string };
  return name === "NotCapable" || code === "ERR_ACCESS_DENIED" ||
    isDenied(cause.cause);
}

/** The message of an error, with those of the errors behind it that say more. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { message } = cause;
  const behind = cause.cause === undefined ? "" : reasonOf(cause.cause);
  return behind && !message.includes(behind)
    ? `${message}: ${behind}`
    : message;
}

/** An error of `P2P.create`, which is what loads the library. */
export function failure(
  code: P2PErrorCode,
  message: string,
  cause?: unknown,
): P2PError {
  return new P2PError(code, message, { operation: "create", cause });
}

/**
 * Gets a file of a known size over HTTP: never more of it than was asked for, and never waiting for longer than was said. The
 * proxy variables are honoured: by Deno and Bun of themselves, by Node because it is told to.
 *
 * @module
 */

import process from "node:process";
import { InstallError, reasonOf } from "./failures.ts";

/** Who falls below this many bytes in the time that is allowed counts as silent: a byte a minute is no download. */
const LEAST = 16 << 10;

/** What a download is bounded by, and who is told of it. */
export interface DownloadOptions {
  /** Bytes that are taken at most. */
  readonly limit: number;
  /** Milliseconds in which more has to come. */
  readonly timeout: number;
  /** Sent as `Authorization`. */
  readonly authorization?: string;
  /** Told how many bytes have come. */
  progress?(received: number): void;
}

/**
 * The body of a successful answer.
 *
 * @throws {InstallError} `registry`: refused, with the status in `status`; `network`, `stalled`, or `content`: too much came.
 */
export async function download(
  url: string,
  options: DownloadOptions,
): Promise<Uint8Array> {
  const stall = new Stall(options.timeout);
  const restore = await useProxies();
  try {
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (options.authorization) headers.authorization = options.authorization;
    const { signal } = stall;
    const answer = await fetch(url, { headers, signal });
    if (!answer.ok) throw await refusal(url, answer);
    return await bodyOf(url, answer, options, stall);
  } catch (cause) {
    if (cause instanceof InstallError) throw cause;
    throw stall.isOver
      ? new InstallError(
        "stalled",
        `${url} sent nothing for ${options.timeout / 1000} s`,
      )
      : new InstallError(
        "network",
        `${url} could not be read: ${reasonOf(cause)}`,
        cause,
      );
  } finally {
    stall.end();
    restore?.();
  }
}

/** An answer that is none, by its HTTP status. */
export class RefusalError extends InstallError {
  /** The HTTP status. */
  readonly status: number;

  /** Makes one. */
  constructor(url: string, status: number) {
    const why = status === 404
      ? "there is no such file"
      : status === 401 || status === 403
      ? "it wants to be asked by somebody whom it knows"
      : "it could not serve it";
    super("registry", `${url} was answered with status ${status}: ${why}`);
    this.status = status;
  }
}

async function refusal(url: string, answer: Response): Promise<RefusalError> {
  await answer.body?.cancel();
  return new RefusalError(url, answer.status);
}

async function bodyOf(
  url: string,
  answer: Response,
  { limit, progress }: DownloadOptions,
  stall: Stall,
): Promise<Uint8Array> {
  const announced = Number(answer.headers.get("content-length") ?? NaN);
  const tooMuch = (bytes: number, word: string) =>
    new InstallError(
      "content",
      `${url} ${word} ${bytes} bytes, more than the ${limit} that it can have`,
    );
  if (announced > limit) {
    await answer.body?.cancel();
    throw tooMuch(announced, "announces");
  }
  const pieces: Uint8Array[] = [];
  let received = 0;
  for await (const piece of answer.body ?? []) {
    received += piece.length;
    if (received > limit) throw tooMuch(received, "has sent");
    pieces.push(piece);
    stall.received(piece.length);
    progress?.(received);
  }
  if (announced > received) {
    throw new InstallError(
      "network",
      `${url} broke off after ${received} of ${announced} bytes`,
    );
  }
  return joined(pieces, received);
}

function joined(pieces: Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Ends what waits when too little has come for too long. */
class Stall {
  readonly #controller = new AbortController();
  readonly #timeout: number;
  #timer?: ReturnType<typeof setTimeout>;
  #bytes = 0;

  constructor(timeout: number) {
    this.#timeout = timeout;
    this.#begin();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isOver(): boolean {
    return this.signal.aborted;
  }

  received(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= LEAST) this.#begin();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #begin(): void {
    this.end();
    this.#bytes = 0;
    this.#timer = setTimeout(() => this.#controller.abort(), this.#timeout);
  }
}

/** Node's `fetch` leaves the proxy variables alone unless told; it is, for as long as this takes. Returns what takes that back. */
async function useProxies(): Promise<(() => void) | undefined> {
  const { bun, deno } = process.versions;
  if (bun !== undefined || deno !== undefined) return undefined;
  const http = await import("node:http") as {
    setGlobalProxyFromEnv?(): () => void;
  };
  return http.setGlobalProxyFromEnv?.();
}

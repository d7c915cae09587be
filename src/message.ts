/**
 * A message as a program gets it, and what it may send one from.
 *
 * @module
 */

import { checkBytes, checkWellFormed } from "./arguments.ts";
import { outlineOf, parseJson } from "./json.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What a message can be sent from: bytes, which are copied within the call, or a text, which is sent as UTF-8. */
export type MessageData = string | Uint8Array | ArrayBuffer | ArrayBufferView;

/**
 * A message that was received. Its fields are its own, so that they can be spread and cloned (`structuredClone`,
 * `postMessage`); what comes out of that has the fields alone, without `text()` and `json()`.
 *
 * @example
 * ```ts
 * import { P2P } from "@unaiverse/p2p";
 *
 * await using node = await P2P.create({ identityDir: "./alice" });
 * for await (const message of node.messages()) {
 *   console.log(message.from, message.text());
 * }
 * ```
 */
export class Message {
  /** The peer id of the sender in base58, authenticated by the connection or, on topics, by the signature. */
  from: string;
  /** The channel as the sender named it: of a direct message at most 255 bytes of UTF-8. */
  channel: string;
  /** The payload, one byte or more but for topics. The program owns it, except for what `messages({ shared: true })` gives. */
  data: Uint8Array<ArrayBuffer>;
  /** What it came by: `tcp`, `quic`, `ws`, `webtransport`, `webrtc-direct`, `relay`, `webrtc` or `pubsub`. */
  transport: string;
  /** When it arrived: milliseconds since 1970, with fractions. */
  receivedAt: number;

  /** @internal Programs are given messages; they do not make them. */
  constructor(
    from: string,
    channel: string,
    data: Uint8Array<ArrayBuffer>,
    transport: string,
    receivedAt: number,
  ) {
    this.from = from;
    this.channel = channel;
    this.data = data;
    this.transport = transport;
    this.receivedAt = receivedAt;
  }

  /**
   * The payload as text.
   *
   * @returns The text that was sent, where it was one; elsewhere what is no UTF-8 becomes U+FFFD.
   */
  text(): string {
    return decoder.decode(this.data);
  }

  /**
   * The payload as JSON.
   *
   * @returns What the sender gave to `JSON.stringify`; a stranger may send anything, so look before you believe it.
   * @throws {SyntaxError} If it is no JSON, or nested more than 1,000 deep.
   *
   * @example
   * ```ts
   * import { P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * for await (const message of node.messages({ topic: "move" })) {
   *   const { x, y } = message.json() as { x?: number; y?: number };
   *   console.log(x, y);
   * }
   * ```
   */
  json(): unknown {
    return parseJson(this.text(), outlineOf(this.data));
  }
}

/** The bytes of what a program wants to send; those of a text are new, others are not copied. */
export function encodeData(name: string, data: unknown): Uint8Array {
  return typeof data === "string"
    ? encoder.encode(checkWellFormed(name, data))
    : checkBytes(
      name,
      data,
      "a text, a Uint8Array, an ArrayBuffer or a view of one",
    );
}

/**
 * The message of this network: an envelope, and in it JSON, samples of streams, or statistics.
 *
 * @module
 */

import {
  checkBytes,
  checkChoice,
  checkFields,
  checkInteger,
  wrongRange,
  wrongType,
} from "../arguments.ts";
import { Budget } from "./budget.ts";
import { decodeJson, encodeJson } from "./json.ts";
import { decodeSamples, encodeSamples, type Sample } from "./samples.ts";
import { decodeStats, encodeStats, type StatUpdate } from "./stats.ts";
import { formatTimestamp } from "./timestamp.ts";
import { Fields, NOTHING, utf8, Writer } from "./wire.ts";

/** What messages can be about; a Python node refuses to make others. */
export const CONTENT_TYPES = [
  "profile",
  "world_approval",
  "agent_approval",
  "profile_request",
  "address_update",
  "stream_sample",
  "role_suggestion",
  "interaction",
  "interaction_status",
  "hsm",
  "misc",
  "get_cv_from_root",
  "badge_suggestions",
  "inspect_on",
  "inspect_cmd",
  "world_agents_list",
  "console_and_behav_status",
  "stats_update",
  "stats_request",
  "stats_response",
] as const;

/** What a message is about. */
export type ContentType = typeof CONTENT_TYPES[number];

/** What a message carries: samples on `stream_sample`, statistics on `stats_update`, JSON on all other content types, or nothing. */
export type Content =
  | { kind: "json"; value: unknown }
  | { kind: "samples"; samples: Record<string, Sample> }
  | { kind: "stats"; updates: StatUpdate[] }
  | { kind: "empty" };

/** A message to be written. */
export interface MessageInit {
  /** The peer id of the sender. */
  sender: string;
  /** What it is about. Default `misc`. */
  contentType?: ContentType;
  /** The channel that it goes out on. Default `<unknown>`, as Python has it. */
  channel?: string;
  /** What travels along, such as a token. Default empty. */
  piggyback?: string;
  /** When it was made, as `formatTimestamp` writes it. Default: now. */
  timestamp?: string;
  /** What it carries. Default nothing. */
  content?: Content;
}

/** A message that was read. */
export interface DecodedMessage {
  /** The peer id of the sender, as the sender has it: compare it with the `from` of what was received. */
  sender: string;
  /** What it is about; mostly a {@link ContentType}. */
  contentType: string;
  /** The channel, as the sender has it. */
  channel: string;
  /** What travels along. */
  piggyback: string;
  /** When it was made; `parseTimestamp` reads it. */
  timestamp: string;
  /** What it carries. */
  content: Content;
}

/** How a message is read. */
export interface DecodeOptions {
  /**
   * How many bytes all tensors of the message together may take when they are unpacked. Default: 64 times the size of the
   * message, but at least 32 MiB and at most 256 MiB.
   */
  maxDecompressedSize?: number;
}

const TEXTS = ["sender", "channel", "piggyback", "timestamp"] as const;
const FIELDS = [...TEXTS, "contentType", "content"];

/**
 * Writes a message as the Python node does, byte for byte except for what gzip puts around a tensor, and the order of several
 * samples or of the entries of a structured statistic, which Python leaves open.
 *
 * @param message The message.
 * @returns Its bytes, to be sent on a channel.
 * @throws {TypeError} If a field is of the wrong type or unknown.
 * @throws {RangeError} If content and content type do not go together, or a value cannot be used.
 *
 * @example Sending an interaction
 * ```ts
 * import { encodeMessage } from "@unaiverse/p2p/messages";
 *
 * const bytes = encodeMessage({
 *   sender: "12D3KooWAlice",
 *   contentType: "interaction",
 *   content: { kind: "json", value: { action: "wave", times: 2 } },
 * });
 * console.log(bytes.length);
 * ```
 */
export function encodeMessage(message: MessageInit): Uint8Array<ArrayBuffer> {
  const given = checkFields("message", message, FIELDS) as
    & Record<string, unknown>
    & MessageInit;
  for (const name of TEXTS) {
    const value = given[name];
    if (value === undefined && name !== "sender") continue;
    if (typeof value !== "string") {
      throw wrongType(`message.${name}`, "a string", value);
    }
  }
  const { contentType = "misc", content = { kind: "empty" } } = given;
  checkChoice("message.contentType", contentType, CONTENT_TYPES);
  checkContent(contentType, content);
  const writer = new Writer()
    .text(1, given.sender)
    .text(2, contentType)
    .text(3, given.channel ?? "<unknown>")
    .text(4, given.piggyback ?? "")
    .text(5, given.timestamp ?? formatTimestamp());
  switch (content.kind) {
    case "samples": {
      const samples = encodeSamples(content.samples);
      // Python cannot tell no samples from no content.
      if (samples.length > 0) writer.always(6, samples);
      break;
    }
    case "json":
      writer.always(7, utf8(encodeJson(content.value)));
      break;
    case "stats": {
      const stats = encodeStats(content.updates);
      if (stats.length > 0) writer.always(8, stats);
    }
  }
  return writer.finish();
}

/**
 * Reads a message.
 *
 * @param bytes What was received.
 * @param options A bound on unpacking.
 * @returns The message; its buffers are its own.
 * @throws {P2PError} `MESSAGE_INVALID` if the bytes are no message, or its values are nested more than 100 deep in statistics or 1,000
 * in JSON; `LIMIT` if its tensors take more than `maxDecompressedSize`, or all else more than 256 MiB.
 *
 * @example Reading what arrives
 * ```ts
 * import { P2P } from "@unaiverse/p2p";
 * import { decodeMessage } from "@unaiverse/p2p/messages";
 *
 * await using node = await P2P.create({ identityDir: "./alice" });
 * for await (const { data } of node.messages()) {
 *   const { contentType, content } = decodeMessage(data);
 *   if (content.kind === "json") console.log(contentType, content.value);
 * }
 * ```
 */
export function decodeMessage(
  bytes: Uint8Array | ArrayBuffer,
  options: DecodeOptions = {},
): DecodedMessage {
  const message = checkBytes("bytes", bytes);
  const { maxDecompressedSize = Budget.limitFor(message.length) } = checkFields(
    "options",
    options,
    ["maxDecompressedSize"],
  ) as DecodeOptions;
  const limit = checkInteger(
    "options.maxDecompressedSize",
    maxDecompressedSize,
    0,
    2 ** 32,
  );
  const decoded: DecodedMessage = {
    sender: "",
    contentType: "",
    channel: "",
    piggyback: "",
    timestamp: "",
    content: { kind: "empty" },
  };
  // Of several contents the last holds; the others are not unpacked.
  let kind = 0;
  let content = NOTHING;
  const fields = new Fields(message);
  while (fields.next()) {
    switch (fields.number) {
      case 1:
        decoded.sender = fields.text;
        break;
      case 2:
        decoded.contentType = fields.text;
        break;
      case 3:
        decoded.channel = fields.text;
        break;
      case 4:
        decoded.piggyback = fields.text;
        break;
      case 5:
        decoded.timestamp = fields.text;
        break;
      case 6:
      case 7:
      case 8:
        kind = fields.number;
        content = fields.bytes;
    }
  }
  decoded.content = decodeContent(kind, content, new Budget(limit));
  return decoded;
}

function decodeContent(
  kind: number,
  content: Uint8Array,
  budget: Budget,
): Content {
  switch (kind) {
    case 6:
      return { kind: "samples", samples: decodeSamples(content, budget) };
    case 7:
      return { kind: "json", value: decodeJson(content, budget) };
    case 8:
      return { kind: "stats", updates: decodeStats(content, budget) };
  }
  return { kind: "empty" };
}

function checkContent(contentType: ContentType, content: Content): void {
  const wanted = contentType === "stream_sample"
    ? "samples"
    : contentType === "stats_update"
    ? "stats"
    : "json";
  const kind = checkChoice("message.content.kind", content?.kind, [
    "json",
    "samples",
    "stats",
    "empty",
  ]);
  if (kind !== wanted && kind !== "empty") {
    throw wrongRange(
      "message.content.kind",
      `"${wanted}" for content type "${contentType}"`,
      kind,
    );
  }
}

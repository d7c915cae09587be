/**
 * The channel grammar: `<owner>::dm:<peer>-<suffix>` for direct messages, `<owner>::ps:<name>` for topics. Peer ids are
 * told apart by position only; whether one can be read as a peer id is for the node to say.
 *
 * @module
 */

import { checkText, wrongRange } from "./arguments.ts";

const DIRECT = "::dm:";
const TOPIC = "::ps:";
const encoder = new TextEncoder();

/** The length of a channel name in a frame is one byte. */
const MAX_CHANNEL_BYTES = 255;

/** The channel for direct messages from one peer to another: `<from>::dm:<to>-<suffix>`. */
export function directChannel(
  from: string,
  to: string,
  suffix: string,
): string {
  return `${from}${DIRECT}${to}-${suffix}`;
}

/** The channel of a topic: `<owner>::ps:<name>`. */
export function topicChannel(owner: string, name: string): string {
  return `${owner}${TOPIC}${name}`;
}

/** A direct channel taken apart. */
export interface DirectChannel {
  /** The peer that messages on this channel go to. */
  peer: string;
  /** The name as it stands in a frame. */
  bytes: Uint8Array;
}

/** Takes a channel for direct messages apart: the peer stands between the first `::dm:` and the next `-`. */
export function parseDirectChannel(channel: unknown): DirectChannel {
  const text = checkText("channel", channel);
  const wanted = 'of the form "<sender>::dm:<receiver>-<suffix>"';
  const mark = text.indexOf(DIRECT);
  if (mark < 0 || text.includes(TOPIC)) {
    throw wrongRange("channel", wanted, text);
  }
  const from = mark + DIRECT.length;
  const dash = text.indexOf("-", from);
  if (dash <= from) throw wrongRange("channel", wanted, text);
  const bytes = encoder.encode(text);
  if (bytes.length > MAX_CHANNEL_BYTES) {
    throw new RangeError(
      `channel must not exceed ${MAX_CHANNEL_BYTES} bytes, got ${bytes.length}`,
    );
  }
  return { peer: text.slice(from, dash), bytes };
}

/** A channel that a message can be broadcast on. */
export function checkTopicChannel(channel: unknown): string {
  const text = checkText("channel", channel);
  if (!text.includes(TOPIC)) {
    throw wrongRange("channel", 'of the form "<owner>::ps:<name>"', text);
  }
  return text;
}

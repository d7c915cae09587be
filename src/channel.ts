/**
 * The names of channels: `<from>::dm:<to>-<contentType>[~<trail>]` for direct messages, `<owner>::ps:<name>` for topics. Peer
 * ids are told apart by position only; whether one can be read as a peer id is for the node to say.
 *
 * @module
 */

import { checkText, wrongRange, wrongType } from "./arguments.ts";
import { canonicalPeerId, isSamePeer } from "./peer_id.ts";

const DIRECT = "::dm:";
const TOPIC = "::ps:";
const RENDEZVOUS = ":rv";
const encoder = new TextEncoder();

/** The length of a channel name in a frame is one byte. */
const MAX_CHANNEL_BYTES = 255;

/** A channel for direct messages, taken apart. */
export interface DirectChannel {
  /** Which of the two it is. */
  kind: "direct";
  /** The peer id of the sender. */
  from: string;
  /** The peer id of the receiver. */
  to: string;
  /** What the messages hold, for example `stream_sample`. */
  contentType: string;
  /** What stands behind `~`: the name of a stream, or of a group. */
  trail?: string;
}

/** A topic, taken apart. */
export interface TopicChannel {
  /** Which of the two it is. */
  kind: "topic";
  /** The owner: by custom a peer id, and for a rendezvous topic always. */
  owner: string;
  /** The name. */
  name: string;
  /** Whether a world announces its agents on it. */
  rendezvous: boolean;
}

/** Builds the names of channels and takes them apart. */
export interface ChannelNames {
  /**
   * The channel for direct messages from one peer to another.
   *
   * @param from The peer id of the sender.
   * @param to The peer id of the receiver.
   * @param contentType What the messages hold; without `~`.
   * @param trail The name of a stream or group.
   * @returns `<from>::dm:<to>-<contentType>` or `<from>::dm:<to>-<contentType>~<trail>`.
   * @throws {RangeError} If a part is empty or cannot stand in its place, or all of it is longer than 255 bytes.
   */
  direct(from: string, to: string, contentType: string, trail?: string): string;
  /**
   * The channel of a topic: the one form that publishing, subscribing and leaving take.
   *
   * @param owner Who the topic belongs to: by custom the peer id of the node that runs it, but any text will do that holds
   * neither `::dm:` nor `::ps:`. Nobody has to ask the owner, who need not be in the topic, connected or even a peer;
   * everybody may publish and subscribe. Only on a topic whose name is or ends in `:rv` the owner matters: it is a peer, and
   * what others announce there is ignored.
   * @param name The name: any text; `rv` is the one on which a world announces its agents.
   * @returns `<owner>::ps:<name>`.
   * @throws {TypeError} If a part is no text.
   * @throws {RangeError} If a part is empty, not well-formed, or cannot stand in its place.
   *
   * @example
   * ```ts
   * import { channel, P2P } from "@unaiverse/p2p";
   *
   * await using node = await P2P.create({ identityDir: "./alice" });
   * const topic = channel.topic("chess", "lobby"); // chess::ps:lobby
   * await node.subscribeToTopic(topic);
   * await node.broadcastMessage(topic, "anyone for a game?");
   * for await (const message of node.messages({ channel: topic })) {
   *   console.log(message.from, message.text());
   * }
   * ```
   */
  topic(owner: string, name: string): string;
  /**
   * Takes the name of a channel apart.
   *
   * @param text Any text, for example the `channel` of a received message.
   * @returns Its parts, or `null` if it is neither kind of channel.
   */
  parse(text: string): DirectChannel | TopicChannel | null;
}

/**
 * The names of channels.
 *
 * @example A direct channel
 * ```ts
 * import { channel } from "@unaiverse/p2p";
 *
 * const name = channel.direct("12D3KooWAlice", "12D3KooWBob", "stream_sample", "camera");
 * console.log(name); // 12D3KooWAlice::dm:12D3KooWBob-stream_sample~camera
 * console.log(channel.parse(name));
 * ```
 */
export const channel: ChannelNames = { direct, topic, parse };

function direct(
  from: string,
  to: string,
  contentType: string,
  trail?: string,
): string {
  checkPart("from", from, DIRECT, TOPIC);
  checkPart("to", to, "-", TOPIC);
  checkPart("contentType", contentType, "~", TOPIC);
  if (trail !== undefined) checkPart("trail", trail, TOPIC);
  const tail = trail === undefined ? "" : `~${trail}`;
  const name = `${from}${DIRECT}${to}-${contentType}${tail}`;
  encodeName(name);
  return name;
}

/** The channel for what a program sends to a peer with a topic of its choice. */
export function channelWith(from: string, to: string, topic: unknown): string {
  checkPart("options.topic", topic, TOPIC);
  return `${from}${DIRECT}${to}-${topic}`;
}

function topic(owner: string, name: string): string {
  checkPart("owner", owner, DIRECT, TOPIC);
  checkText("name", name);
  return `${owner}${TOPIC}${name}`;
}

function parse(text: string): DirectChannel | TopicChannel | null {
  if (typeof text !== "string") throw wrongType("text", "a string", text);
  const [owner, name] = cut(text, TOPIC);
  if (name !== undefined) {
    if (owner === "" || owner.includes(DIRECT) || name === "") return null;
    return { kind: "topic", owner, name, rendezvous: isRendezvous(text) };
  }
  const [from, rest] = cut(text, DIRECT);
  const [to, about] = cut(rest, "-");
  const [contentType, trail] = cut(about, "~");
  if (!from || !to || !contentType || trail === "") return null;
  const direct = { kind: "direct", from, to, contentType } as const;
  return trail === undefined ? direct : { ...direct, trail };
}

/** What stands before a mark, and what behind it, if it is there. */
function cut(text: string = "", mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  if (at < 0) return [text, undefined];
  return [text.slice(0, at), text.slice(at + mark.length)];
}

/** Whether a channel is a topic on which a world announces its agents. */
export function isRendezvous(channel: string): boolean {
  return channel.endsWith(RENDEZVOUS) && channel.includes(TOPIC);
}

/** What stands behind the receiver in a direct channel: there it is for a program to choose. */
export function topicOf(channel: string): string | undefined {
  const mark = channel.indexOf(DIRECT);
  if (mark < 0 || channel.includes(TOPIC)) return undefined;
  const dash = channel.indexOf("-", mark + DIRECT.length);
  return dash < 0 ? undefined : channel.slice(dash + 1);
}

/** The owner of a topic. */
export function ownerOf(topic: string): string {
  return topic.slice(0, topic.indexOf(TOPIC));
}

/** Whether a direct message may have come on a channel: not if it names another sender, or a topic. */
export function mayBeFrom(peer: string, channel: string): boolean {
  if (channel.includes(TOPIC)) return false;
  const mark = channel.indexOf(DIRECT);
  return mark < 0 || isSamePeer(channel.slice(0, mark), peer);
}

/** Where a direct message on a channel goes. */
export interface Destination {
  /** The sender as the channel names it. */
  from: string;
  /** The peer that messages on this channel go to, in the one spelling that outlets are kept by. */
  peer: string;
  /** The name as it stands in a frame. */
  bytes: Uint8Array;
}

/** Finds both peers in a channel for direct messages: the receiver stands between the first `::dm:` and the next `-`. */
export function parseDestination(channel: unknown): Destination {
  const text = checkText("channel", channel);
  const wanted = 'of the form "<sender>::dm:<receiver>-<suffix>"';
  const mark = text.indexOf(DIRECT);
  if (mark < 1 || text.includes(TOPIC)) {
    throw wrongRange("channel", wanted, text);
  }
  const start = mark + DIRECT.length;
  const dash = text.indexOf("-", start);
  if (dash <= start) throw wrongRange("channel", wanted, text);
  return {
    from: text.slice(0, mark),
    peer: canonicalPeerId(text.slice(start, dash)),
    bytes: encodeName(text),
  };
}

/**
 * The channel of a topic, whatever is to be done with it. In this network it is `<owner>::ps:<name>`; others have topics of
 * any name, and only what stands for direct messages is none.
 */
export function checkTopicChannel(channel: unknown): string {
  const text = checkText("channel", channel);
  if (text.includes(DIRECT) && !text.includes(TOPIC)) {
    const wanted = 'the name of a topic, for example "<owner>::ps:<name>"';
    throw wrongRange("channel", wanted, text);
  }
  encodeName(text);
  return text;
}

function encodeName(name: string): Uint8Array {
  const bytes = encoder.encode(name);
  if (bytes.length > MAX_CHANNEL_BYTES) {
    throw new RangeError(
      `channel must not exceed ${MAX_CHANNEL_BYTES} bytes, got ${bytes.length}`,
    );
  }
  return bytes;
}

function checkPart(name: string, value: unknown, ...without: string[]): void {
  const text = checkText(name, value);
  const found = without.find((mark) => text.includes(mark));
  if (found !== undefined) throw wrongRange(name, `without "${found}"`, text);
}

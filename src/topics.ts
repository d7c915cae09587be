/**
 * Topic messages on their way out. What comes in goes through the mailbox like any other message.
 *
 * @module
 */

import { checkTopicChannel } from "./channel.ts";
import { encodeData } from "./message.ts";
import { encodePublish } from "./native/codec.ts";
import { settingsInUse } from "./native/registry.ts";

/** The length of the topic, which stands before it. */
const LENGTH_BYTES = 4;

/** The body of `PUBLISH`, checked; the signature, which counts too, is made in Go. */
export function encodeBroadcast(
  channel: unknown,
  data: unknown,
  maxTopicMessageSize: number,
): Uint8Array {
  const payload = encodeData("data", data);
  const body = encodePublish(checkTopicChannel(channel), payload);
  const size = body.length - LENGTH_BYTES;
  const limits = { maxTopicMessageSize, ...settingsInUse() };
  for (const name of ["maxTopicMessageSize", "maxMessageSize"] as const) {
    if (size <= limits[name]) continue;
    throw new RangeError(
      `channel and data must not exceed ${limits[name]} bytes ` +
        `(${name}), got ${size}`,
    );
  }
  return body;
}

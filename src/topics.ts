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

/** The body of `PUBLISH`, checked. */
export function encodeBroadcast(channel: unknown, data: unknown): Uint8Array {
  const payload = encodeData("data", data);
  const body = encodePublish(checkTopicChannel(channel), payload);
  const { maxMessageSize } = settingsInUse();
  const size = body.length - LENGTH_BYTES;
  if (size > maxMessageSize) {
    throw new RangeError(
      `channel and data must not exceed ${maxMessageSize} bytes ` +
        `(maxMessageSize), got ${size}`,
    );
  }
  return body;
}

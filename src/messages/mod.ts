/**
 * What the nodes of UNaIVERSE say to each other: reading and writing their messages, which travel as the payload of direct
 * messages and topics.
 *
 * @example There and back
 * ```ts
 * import { decodeMessage, encodeMessage, tensor } from "@unaiverse/p2p/messages";
 *
 * const bytes = encodeMessage({
 *   sender: "12D3KooWAlice",
 *   contentType: "stream_sample",
 *   content: {
 *     kind: "samples",
 *     samples: { camera: { data: tensor(new Float32Array(12), [3, 4]) } },
 *   },
 * });
 * const { content } = decodeMessage(bytes);
 * if (content.kind === "samples") console.log(content.samples.camera.data);
 * ```
 *
 * @module
 */

export {
  type Content,
  CONTENT_TYPES,
  type ContentType,
  type DecodedMessage,
  decodeMessage,
  type DecodeOptions,
  encodeMessage,
  type MessageInit,
} from "./message.ts";
export type {
  FileData,
  ImageData,
  Sample,
  SampleData,
  TextData,
} from "./samples.ts";
export type { StatUpdate, StatValue } from "./stats.ts";
export { type Tensor, tensor, type TensorData } from "./tensor.ts";
export { formatTimestamp, parseTimestamp } from "./timestamp.ts";

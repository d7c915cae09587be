/**
 * Samples of streams: a text, an image, a file or a tensor each, by the name of its stream.
 *
 * @module
 */

import {
  checkBytes,
  checkInteger,
  checkText,
  wrongType,
} from "../arguments.ts";
import type { Budget } from "./budget.ts";
import { decodeTensor, encodeTensor, type Tensor } from "./tensor.ts";
import { Fields, NOTHING, readMap, utf8, Writer } from "./wire.ts";

/** A text. */
export interface TextData {
  /** Which of the kinds of data it is. */
  kind: "text";
  /** The text. */
  text: string;
}

/** An image. */
export interface ImageData {
  /** Which of the kinds of data it is. */
  kind: "image";
  /** The file of the image; PNG from a Python node, and any that Pillow can open to one. */
  bytes: Uint8Array;
}

/** A file. */
export interface FileData {
  /** Which of the kinds of data it is. */
  kind: "file";
  /** What is in it. */
  content: Uint8Array;
  /** Its name. */
  filename: string;
  /** Its MIME type, for example `application/pdf`. */
  mimeType: string;
}

/** What a sample holds. */
export type SampleData = TextData | ImageData | FileData | Tensor;

/** One sample of a stream. */
export interface Sample {
  /** What it holds; `null` when a message was received that says nothing. */
  data: SampleData | null;
  /** A number that goes along with it, a 32-bit integer. Default -1. */
  tag?: number;
  /** An id that goes along with it. */
  uuid?: string;
}

const INT32 = 2 ** 31;

/** Writes a `StreamSampleContent` message. */
export function encodeSamples(samples: Record<string, Sample>): Uint8Array {
  const content = new Writer();
  for (const [name, sample] of Object.entries(samples)) {
    if (sample.data === null) continue;
    const entry = new Writer()
      .always(1, utf8(name))
      .always(2, encodeSample(`samples.${name}`, sample));
    content.always(1, entry.finish());
  }
  return content.finish();
}

/** Reads a `StreamSampleContent` message. */
export function decodeSamples(
  content: Uint8Array,
  budget: Budget,
): Record<string, Sample> {
  return readMap(content, budget, (sample) => decodeSample(sample, budget));
}

function encodeSample(name: string, sample: Sample): Uint8Array {
  const { data, tag = -1, uuid } = sample;
  checkInteger(`${name}.tag`, tag, -INT32, INT32 - 1);
  const writer = new Writer().always(1, encodeData(name, data!)).int(2, tag);
  if (uuid !== undefined) {
    if (typeof uuid !== "string") {
      throw wrongType(`${name}.uuid`, "a string", uuid);
    }
    writer.always(3, utf8(uuid));
  }
  return writer.finish();
}

function encodeData(name: string, data: SampleData): Uint8Array {
  switch (data?.kind) {
    case "tensor":
      return new Writer().always(1, encodeTensor(data)).finish();
    case "image": {
      const bytes = checkBytes(`${name}.data.bytes`, data.bytes);
      return new Writer().always(2, new Writer().bytes(1, bytes).finish())
        .finish();
    }
    case "text": {
      if (typeof data.text !== "string") {
        throw wrongType(`${name}.data.text`, "a string", data.text);
      }
      return new Writer().always(3, new Writer().text(1, data.text).finish())
        .finish();
    }
    case "file": {
      const file = new Writer()
        .bytes(1, checkBytes(`${name}.data.content`, data.content))
        .text(2, checkText(`${name}.data.filename`, data.filename))
        .text(3, checkText(`${name}.data.mimeType`, data.mimeType));
      return new Writer().always(4, file.finish()).finish();
    }
  }
  throw wrongType(`${name}.data`, "a tensor, image, text or file", data);
}

function decodeSample(message: Uint8Array, budget: Budget): Sample {
  const sample: Sample = { data: null, tag: 0 };
  let data = NOTHING;
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number === 1) data = fields.bytes;
    else if (fields.number === 2) sample.tag = fields.int32;
    else if (fields.number === 3) sample.uuid = fields.text;
  }
  sample.data = decodeData(data, budget);
  return sample;
}

function decodeData(message: Uint8Array, budget: Budget): SampleData | null {
  let kind = 0;
  let data = NOTHING;
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number > 4) continue;
    kind = fields.number;
    data = fields.bytes;
  }
  switch (kind) {
    case 1:
      return decodeTensor(data, budget);
    case 2:
      return { kind: "image", bytes: decodeImage(data) };
    case 3:
      return { kind: "text", text: decodeText(data) };
    case 4:
      return decodeFile(data);
  }
  return null;
}

function decodeImage(message: Uint8Array): Uint8Array {
  let bytes = NOTHING;
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number === 1) bytes = fields.bytes;
  }
  return new Uint8Array(bytes);
}

function decodeText(message: Uint8Array): string {
  let text = "";
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number === 1) text = fields.text;
  }
  return text;
}

function decodeFile(message: Uint8Array): FileData {
  let content = NOTHING;
  let filename = "";
  let mimeType = "";
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number === 1) content = fields.bytes;
    else if (fields.number === 2) filename = fields.text;
    else if (fields.number === 3) mimeType = fields.text;
  }
  return {
    kind: "file",
    content: new Uint8Array(content),
    filename,
    mimeType,
  };
}

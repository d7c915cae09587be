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
import { decodeTensor, encodeTensor, type Tensor } from "./tensor.ts";
import { fieldsOf, Writer } from "./wire.ts";

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
      .always(1, new TextEncoder().encode(name))
      .always(2, encodeSample(`samples.${name}`, sample));
    content.always(1, entry.finish());
  }
  return content.finish();
}

/** Reads a `StreamSampleContent` message; `budget` is how many bytes its tensors may become. */
export function decodeSamples(
  content: Uint8Array,
  budget: { left: number; limit: number },
): Record<string, Sample> {
  const samples = new Map<string, Sample>();
  for (const field of fieldsOf(content)) {
    if (field.number !== 1) continue;
    let name = "";
    let sample: Uint8Array = new Uint8Array(0);
    for (const part of fieldsOf(field.bytes)) {
      if (part.number === 1) name = part.text;
      else if (part.number === 2) sample = part.bytes;
    }
    samples.set(name, decodeSample(sample, budget));
  }
  return Object.fromEntries(samples);
}

function encodeSample(name: string, sample: Sample): Uint8Array {
  const { data, tag = -1, uuid } = sample;
  checkInteger(`${name}.tag`, tag, -INT32, INT32 - 1);
  const writer = new Writer().always(1, encodeData(name, data!)).int(2, tag);
  if (uuid !== undefined) {
    if (typeof uuid !== "string") {
      throw wrongType(`${name}.uuid`, "a string", uuid);
    }
    writer.always(3, new TextEncoder().encode(uuid));
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

function decodeSample(
  message: Uint8Array,
  budget: { left: number; limit: number },
): Sample {
  const sample: Sample = { data: null, tag: 0 };
  for (const field of fieldsOf(message)) {
    if (field.number === 1) sample.data = decodeData(field.bytes, budget);
    else if (field.number === 2) sample.tag = field.int32;
    else if (field.number === 3) sample.uuid = field.text;
  }
  return sample;
}

function decodeData(
  message: Uint8Array,
  budget: { left: number; limit: number },
): SampleData | null {
  let data: SampleData | null = null;
  for (const field of fieldsOf(message)) {
    switch (field.number) {
      case 1:
        data = decodeTensor(field.bytes, budget);
        break;
      case 2:
        data = { kind: "image", bytes: onlyBytes(field.bytes) };
        break;
      case 3:
        data = { kind: "text", text: onlyText(field.bytes) };
        break;
      case 4:
        data = decodeFile(field.bytes);
    }
  }
  return data;
}

function onlyBytes(message: Uint8Array): Uint8Array {
  let bytes = new Uint8Array(0);
  for (const field of fieldsOf(message)) {
    if (field.number === 1) bytes = new Uint8Array(field.bytes);
  }
  return bytes;
}

function onlyText(message: Uint8Array): string {
  let text = "";
  for (const field of fieldsOf(message)) {
    if (field.number === 1) text = field.text;
  }
  return text;
}

function decodeFile(message: Uint8Array): FileData {
  const file: FileData = {
    kind: "file",
    content: new Uint8Array(0),
    filename: "",
    mimeType: "",
  };
  for (const field of fieldsOf(message)) {
    if (field.number === 1) file.content = new Uint8Array(field.bytes);
    else if (field.number === 2) file.filename = field.text;
    else if (field.number === 3) file.mimeType = field.text;
  }
  return file;
}

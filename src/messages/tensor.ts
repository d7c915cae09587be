/**
 * Tensors: what PyTorch calls a dtype, a shape, and the numbers in row-major order, gzipped on the wire.
 *
 * @module
 */

import { gunzipSync, gzipSync } from "node:zlib";
import {
  checkInteger,
  checkList,
  wrongRange,
  wrongType,
} from "../arguments.ts";
import { P2PError } from "../errors.ts";
import { fieldsOf, malformed, Writer } from "./wire.ts";

/** The numbers of a tensor. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** A tensor. */
export interface Tensor {
  /** Which of the kinds of data it is. */
  kind: "tensor";
  /**
   * The name that PyTorch has for the type of its numbers. `bool` comes as bytes of 0 and 1; `float16` and `bfloat16` as their
   * 16 bits each; `complex64` and `complex128` as pairs of numbers; a type that is not known here as bytes.
   */
  dtype: string;
  /** The length of each dimension; none for a single number. */
  shape: number[];
  /** The numbers, the last dimension running fastest. */
  data: TensorData;
}

interface ArrayType {
  new (buffer: ArrayBuffer): TensorData;
  readonly BYTES_PER_ELEMENT: number;
}

/** What a dtype is held in, and how many elements of that one number takes. */
const DTYPES: Record<string, readonly [type: ArrayType, each: number]> = {
  float32: [Float32Array, 1],
  float64: [Float64Array, 1],
  float16: [Uint16Array, 1],
  bfloat16: [Uint16Array, 1],
  int8: [Int8Array, 1],
  int16: [Int16Array, 1],
  int32: [Int32Array, 1],
  int64: [BigInt64Array, 1],
  uint8: [Uint8Array, 1],
  uint16: [Uint16Array, 1],
  uint32: [Uint32Array, 1],
  uint64: [BigUint64Array, 1],
  bool: [Uint8Array, 1],
  complex64: [Float32Array, 2],
  complex128: [Float64Array, 2],
};
/** The dtype that a typed array stands for by itself. */
const NATURAL = new Map<unknown, string>([
  [Float32Array, "float32"],
  [Float64Array, "float64"],
  [Int8Array, "int8"],
  [Int16Array, "int16"],
  [Int32Array, "int32"],
  [BigInt64Array, "int64"],
  [Uint8Array, "uint8"],
  [Uint16Array, "uint16"],
  [Uint32Array, "uint32"],
  [BigUint64Array, "uint64"],
]);

/**
 * Makes a tensor of a typed array.
 *
 * @param data The numbers, row-major.
 * @param shape The length of each dimension. Default: one dimension that holds all.
 * @param dtype PyTorch's name of the type. Default: the one that the array stands for, for example `float32`.
 * @returns The tensor; it refers to `data`.
 * @throws {TypeError} If `data` is no typed array.
 * @throws {RangeError} If shape, dtype and length do not go together.
 *
 * @example A matrix
 * ```ts
 * import { tensor } from "@unaiverse/p2p/messages";
 *
 * const matrix = tensor(new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3]);
 * console.log(matrix.dtype); // float32
 * ```
 */
export function tensor(
  data: TensorData,
  shape?: number[],
  dtype?: string,
): Tensor {
  const natural = NATURAL.get(data?.constructor);
  if (natural === undefined) throw wrongType("data", "a typed array", data);
  const made: Tensor = {
    kind: "tensor",
    dtype: dtype ?? natural,
    shape: shape ?? [data.length],
    data,
  };
  checkTensor(made);
  return made;
}

/** Writes a `TensorData` message. */
export function encodeTensor(given: Tensor): Uint8Array {
  checkTensor(given);
  const { dtype, shape, data } = given;
  const { buffer, byteOffset, byteLength } = data;
  const raw = new Uint8Array(buffer, byteOffset, byteLength);
  return new Writer()
    .bytes(1, gzipSync(raw, { level: 9 }))
    .text(2, dtype)
    .ints(3, shape)
    .finish();
}

/** Reads a `TensorData` message; `budget` is how many bytes it may become. */
export function decodeTensor(
  message: Uint8Array,
  budget: { left: number; limit: number },
): Tensor {
  let packed = new Uint8Array(0) as Uint8Array;
  let dtype = "";
  const shape: number[] = [];
  for (const field of fieldsOf(message)) {
    if (field.number === 1) packed = field.bytes;
    else if (field.number === 2) dtype = field.text;
    else if (field.number === 3) shape.push(...field.int32s);
  }
  const [type, each] = DTYPES[dtype] ?? [];
  const wanted = type && sizeOf(shape) * each! * type.BYTES_PER_ELEMENT;
  const raw = unpack(packed, wanted, budget);
  const data = type ? new type(raw.buffer) : raw;
  return { kind: "tensor", dtype, shape, data };
}

/** Unpacks no more than is wanted or allowed: a few bytes can announce gigabytes. */
function unpack(
  packed: Uint8Array,
  wanted: number | undefined,
  budget: { left: number; limit: number },
): Uint8Array<ArrayBuffer> {
  if ((wanted ?? 0) > budget.left) throw tooLarge(budget.limit);
  const most = wanted ?? budget.left;
  let unpacked: Uint8Array;
  try {
    // One byte more than there should be, so that too much is told from enough.
    unpacked = gunzipSync(packed, { maxOutputLength: most + 1 });
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_BUFFER_TOO_LARGE") {
      throw malformed("the gzip of a tensor cannot be read", error);
    }
    if (wanted === undefined) throw tooLarge(budget.limit);
    throw malformed(`a tensor holds more than its shape says`, error);
  }
  if (wanted === undefined && unpacked.length > budget.left) {
    throw tooLarge(budget.limit);
  }
  if (wanted !== undefined && unpacked.length !== wanted) {
    throw malformed(
      `a tensor of ${wanted} bytes by its shape holds ${unpacked.length}`,
    );
  }
  budget.left -= unpacked.length;
  return new Uint8Array(unpacked);
}

function tooLarge(limit: number): P2PError {
  return new P2PError(
    "LIMIT",
    `the tensors of a message take more than ${limit} bytes (maxDecompressedSize)`,
    { operation: "decodeMessage" },
  );
}

function sizeOf(shape: number[]): number {
  return shape.reduce((size, length) => {
    if (length < 0) throw malformed(`a dimension of ${length}`);
    return size * length;
  }, 1);
}

function checkTensor({ dtype, shape, data }: Tensor): void {
  if (!ArrayBuffer.isView(data)) {
    throw wrongType("tensor.data", "a typed array", data);
  }
  checkList(
    "tensor.shape",
    shape,
    (name, length) => checkInteger(name, length, 0, 2 ** 31 - 1),
  );
  const known = DTYPES[dtype];
  if (known === undefined) {
    throw wrongRange("tensor.dtype", "a type that PyTorch has", dtype);
  }
  const [type, each] = known;
  const wanted = sizeOf(shape) * each * type.BYTES_PER_ELEMENT;
  if (data.byteLength !== wanted) {
    throw new RangeError(
      `tensor.data must have ${wanted} bytes for ${dtype} of shape ` +
        `[${shape.join(", ")}], got ${data.byteLength}`,
    );
  }
}

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
import type { P2PError } from "../errors.ts";
import type { Budget } from "./budget.ts";
import { Fields, malformed, NOTHING, Writer } from "./wire.ts";

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
type DType = readonly [type: ArrayType, each: number];

const DTYPES = new Map<string, DType>([
  ["float32", [Float32Array, 1]],
  ["float64", [Float64Array, 1]],
  ["float16", [Uint16Array, 1]],
  ["bfloat16", [Uint16Array, 1]],
  ["int8", [Int8Array, 1]],
  ["int16", [Int16Array, 1]],
  ["int32", [Int32Array, 1]],
  ["int64", [BigInt64Array, 1]],
  ["uint8", [Uint8Array, 1]],
  ["uint16", [Uint16Array, 1]],
  ["uint32", [Uint32Array, 1]],
  ["uint64", [BigUint64Array, 1]],
  ["bool", [Uint8Array, 1]],
  ["complex64", [Float32Array, 2]],
  ["complex128", [Float64Array, 2]],
]);
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

/** What deflate cannot surpass: 258 bytes in two bits. */
const MOST_GZIP = 1032;
/** What `node:zlib` takes for the size of a piece at least. */
const LEAST_CHUNK = 64;
/** The sum and the size at the end of what is gzipped. */
const TRAILER_BYTES = 8;

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

/** Reads a `TensorData` message. */
export function decodeTensor(message: Uint8Array, budget: Budget): Tensor {
  let packed = NOTHING;
  let dtype = "";
  const shape: number[] = [];
  const fields = new Fields(message);
  while (fields.next()) {
    if (fields.number === 1) packed = fields.bytes;
    else if (fields.number === 2) dtype = fields.text;
    else if (fields.number === 3) fields.addInt32s(shape, budget);
  }
  const known = DTYPES.get(dtype);
  const size = known ? sizeOf(shape, known) : sizeInTrailer(packed);
  budget.unpack(size);
  const [type] = known ?? [Uint8Array];
  const data = new type(unpack(packed, size));
  return { kind: "tensor", dtype, shape, data };
}

/**
 * Unpacks what has to become `size` bytes. It comes as one piece, straight into the memory that the tensor then owns: many pieces
 * would have to be joined, and 250 MiB took 800 MB.
 */
function unpack(packed: Uint8Array, size: number): ArrayBuffer {
  // A shape alone takes no memory.
  if (size > packed.length * MOST_GZIP) throw differs(size, "less");
  let unpacked: Uint8Array;
  try {
    unpacked = gunzipSync(packed, {
      chunkSize: Math.max(size, LEAST_CHUNK),
      maxOutputLength: Math.max(size, 1),
    });
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") {
      throw differs(size, "more");
    }
    throw malformed("the gzip of a tensor cannot be read", error);
  }
  if (unpacked.length !== size) {
    throw differs(size, unpacked.length < size ? "less" : "more");
  }
  // What is small lies in memory that it shares with others.
  const own = unpacked.buffer.byteLength === size;
  return own ? unpacked.buffer as ArrayBuffer : new Uint8Array(unpacked).buffer;
}

function differs(size: number, what: "less" | "more"): P2PError {
  return malformed(`a tensor of ${size} bytes holds ${what}`);
}

/** The size that gzip says; all that there is where the shape does not tell. */
function sizeInTrailer(packed: Uint8Array): number {
  const at = packed.length - TRAILER_BYTES;
  if (at < 0) throw malformed("the gzip of a tensor is cut off");
  const { buffer, byteOffset } = packed;
  return new DataView(buffer, byteOffset + at).getUint32(4, true);
}

/** How many bytes a tensor takes. */
function sizeOf(shape: number[], [type, each]: DType): number {
  let size = each * type.BYTES_PER_ELEMENT;
  for (const length of shape) {
    if (length < 0) throw malformed(`a dimension of ${length}`);
    // Bounded, because infinitely many times nothing would not be a number.
    size = Math.min(size * length, Number.MAX_SAFE_INTEGER);
  }
  return size;
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
  const known = DTYPES.get(dtype);
  if (known === undefined) {
    throw wrongRange("tensor.dtype", "a type that PyTorch has", dtype);
  }
  const wanted = sizeOf(shape, known);
  if (data.byteLength !== wanted) {
    throw new RangeError(
      `tensor.data must have ${wanted} bytes for ${dtype} of shape ` +
        `[${shape.join(", ")}], got ${data.byteLength}`,
    );
  }
}

/**
 * ChaCha20-Poly1305 (RFC 8439), which Bun's `node:crypto` does not have. For tests: it is not fast, and tells by its time what it does.
 */
import { Buffer } from "node:buffer";

const TAG_BYTES = 16;
const PRIME = 2n ** 130n - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
const ROUND = [
  ...[[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]],
  ...[[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]],
];

/** Encrypts, and appends the tag. The nonce is a counter, as Noise has it. */
export function seal(
  key: Uint8Array,
  counter: number,
  ad: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  const sealed = crypt(key, counter, plain);
  return Buffer.concat([sealed, tag(key, counter, ad, sealed)]);
}

/** Takes the tag off, and decrypts. */
export function open(
  key: Uint8Array,
  counter: number,
  ad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  const body = sealed.subarray(0, sealed.length - TAG_BYTES);
  const end = sealed.subarray(body.length);
  if (!tag(key, counter, ad, body).equals(end)) throw new Error("a wrong tag");
  return crypt(key, counter, body);
}

function crypt(key: Uint8Array, counter: number, data: Uint8Array) {
  const result = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += 64) {
    const stream = block(key, counter, 1 + at / 64);
    const end = Math.min(64, data.length - at);
    for (let i = 0; i < end; i++) result[at + i] = data[at + i] ^ stream[i];
  }
  return result;
}

function block(key: Uint8Array, counter: number, index: number): Uint8Array {
  const words = new Uint32Array(16);
  words.set(SIGMA);
  words.set(new Uint32Array(new Uint8Array(key).buffer), 4);
  words[12] = index;
  words[14] = counter;
  words[15] = Math.floor(counter / 2 ** 32);
  const before = words.slice();
  for (let round = 0; round < 10; round++) {
    for (const [a, b, c, d] of ROUND) {
      for (
        const [x, y, z, bits] of [
          [a, b, d, 16],
          [c, d, b, 12],
          [a, b, d, 8],
          [c, d, b, 7],
        ]
      ) {
        words[x] += words[y];
        const mixed = words[z] ^ words[x];
        words[z] = (mixed << bits) | (mixed >>> (32 - bits));
      }
    }
  }
  for (let i = 0; i < 16; i++) words[i] += before[i];
  return new Uint8Array(words.buffer);
}

function tag(
  key: Uint8Array,
  counter: number,
  ad: Uint8Array,
  sealed: Uint8Array,
): Buffer {
  const oneTime = block(key, counter, 0);
  const r = number(oneTime.subarray(0, 16)) & CLAMP;
  const s = number(oneTime.subarray(16, 32));
  const lengths = new BigUint64Array([ad.length, sealed.length].map(BigInt));
  const all = [padded(ad), padded(sealed), new Uint8Array(lengths.buffer)];
  const bytes = Buffer.concat(all);
  let sum = 0n;
  for (let at = 0; at < bytes.length; at += 16) {
    const part = number(bytes.subarray(at, at + 16)) + 2n ** 128n;
    sum = (sum + part) * r % PRIME;
  }
  const digits = (BigInt.asUintN(128, sum + s)).toString(16).padStart(32, "0");
  return Buffer.from(digits, "hex").reverse();
}

/** Little-endian. */
function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 16) * 16);
  whole.set(bytes);
  return whole;
}

/**
 * Reads a message with a tensor of so many MiB by its shape, and so many MiB in its gzip. Prints what came of it, and how much
 * memory it took at most beside what had been used before.
 */
import { Buffer } from "node:buffer";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { P2PError } from "../../src/errors.ts";
import { decodeMessage } from "../../src/messages/mod.ts";
import { forgedTensor } from "../support/hostile.ts";
import { peakMB } from "../support/memory.ts";

const [announced, packed] = process.argv.slice(2).map(Number);
const piece = gzipSync(new Uint8Array(1 << 20));
const message = forgedTensor(
  Buffer.concat(Array<Uint8Array>(packed).fill(piece)),
  "uint8",
  [announced << 20],
);
const before = peakMB();
let outcome = "read";
try {
  decodeMessage(message, { maxDecompressedSize: announced << 20 });
} catch (error) {
  outcome = error instanceof P2PError ? error.code : String(error);
}
const moreMB = peakMB() - before;
console.log(JSON.stringify({ outcome, moreMB }));

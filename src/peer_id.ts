/**
 * The one spelling of a peer id. A peer id has several: base58 (`12D3Koo…`, `Qm…`), and a CID of version 1 in any multibase
 * (`bafz…`, `k51q…`). Everything in this module that tells peers apart does so by the first, as go-libp2p prints it.
 *
 * @module
 */

import { checkText } from "./arguments.ts";
import { P2PError } from "./errors.ts";
import { Recent } from "./recent.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const BASE58_UPPER = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const BASE58_LOWER = "abcdefghijkmnopqrstuvwxyz";
const BASE58 = `123456789${BASE58_UPPER}${BASE58_LOWER}`;
const FLICKR = `123456789${BASE58_LOWER}${BASE58_UPPER}`;
const BASE64 = `${LETTERS.toUpperCase()}${LETTERS}${DIGITS}`;

/** How the digits of a multibase are read. */
interface Base {
  readonly values: Map<string, bigint>;
  readonly radix: bigint;
  /** How many bits a digit stands for, the last ones filling up a byte; 0 where the text is one number. */
  readonly bits: number;
}

function base(digits: string, bits: number, eitherCase = false): Base {
  const values = new Map([...digits].map((digit, i) => [digit, BigInt(i)]));
  if (eitherCase) {
    for (const [digit, i] of [...values]) values.set(digit.toUpperCase(), i);
  }
  return { values, radix: BigInt(digits.length), bits };
}

/** By the first letter of a text, as go-multibase reads it; texts in base 2 are too long for a channel. */
const BASES: Map<string, Base> = new Map(
  Object.entries({
    fF: base("0123456789abcdef", 4, true),
    bBcC: base(`${LETTERS}234567`, 5, true),
    vVtT: base(`${DIGITS}${LETTERS.slice(0, 22)}`, 5, true),
    kK: base(`${DIGITS}${LETTERS}`, 0, true),
    z: base(BASE58, 0),
    Z: base(FLICKR, 0),
    mM: base(`${BASE64}+/`, 6),
    uU: base(`${BASE64}-_`, 6),
  }).flatMap(([marks, base]) => [...marks].map((mark) => [mark, base])),
);

/** More than the longest peer id in base 16; a longer text is none, and is not looked at. */
const MAX_LENGTH = 128;
/** The version of a CID and its codec, `libp2p-key`, in base 16 as a number. */
const CID = "172";
/** The hashes that peer ids are made with, in base 16: identity with its length, and SHA-256. */
const MULTIHASH = /^(?:00([0-9a-f]{2})|1220)((?:[0-9a-f]{2})*)$/;
const SHA256_BYTES = 32;

/** How many spellings are remembered. */
const MAX_KNOWN = 1024;
const known = new Recent<string, string>(MAX_KNOWN);

/**
 * The one spelling of a peer id.
 *
 * @param text A peer id in any spelling.
 * @returns The same peer id in base58. A text that is none comes back as it is; the Go side refuses it.
 */
export function canonicalPeerId(text: string): string {
  const base = BASES.get(text[0]);
  if (base === undefined || text.length > MAX_LENGTH) return text;
  const remembered = known.get(text);
  if (remembered !== undefined) return remembered;
  const id = readCid(text.slice(1), base);
  if (id === undefined) return text;
  known.set(text, id);
  return id;
}

/** What a peer id in its one spelling is made of; whether it is one is for the Go side to say. */
const PEER_ID = /^[0-9A-Za-z]+$/;

/** A peer id that a caller gave, in its one spelling; what cannot be one is refused as the Go side would. */
export function checkPeerId(
  operation: string,
  name: string,
  value: unknown,
): string {
  const peerId = canonicalPeerId(checkText(name, value));
  if (PEER_ID.test(peerId)) return peerId;
  throw new P2PError("PEER_INVALID", `${name} is no peer id: "${peerId}"`, {
    operation,
    peerId,
  });
}

/** Whether two texts name one peer. */
export function isSamePeer(one: string, other: string): boolean {
  return one === other || canonicalPeerId(one) === canonicalPeerId(other);
}

/** The peer id that a CID holds. */
function readCid(text: string, base: Base): string | undefined {
  const number = readNumber(text.replace(/={1,6}$/, ""), base);
  const bytes = number?.toString(16) ?? "";
  if (!bytes.startsWith(CID)) return undefined;
  const multihash = bytes.slice(CID.length);
  const found = MULTIHASH.exec(multihash);
  if (found === null) return undefined;
  const [, length, digest] = found;
  const wanted = length ? parseInt(length, 16) : SHA256_BYTES;
  return digest.length === 2 * wanted ? toBase58(multihash) : undefined;
}

/** The digits as one number; undefined where one is none. */
function readNumber(text: string, { values, radix, bits }: Base) {
  let number = 0n;
  for (const digit of text) {
    const value = values.get(digit);
    if (value === undefined) return undefined;
    number = number * radix + value;
  }
  return number >> BigInt(text.length * bits % 8);
}

/** Bytes, given in base 16, in base58; of them only the first may be 0. */
function toBase58(hex: string): string {
  let text = "";
  for (let rest = BigInt(`0x${hex}`); rest > 0n; rest /= 58n) {
    text = BASE58[Number(rest % 58n)] + text;
  }
  return hex.startsWith("00") ? `1${text}` : text;
}

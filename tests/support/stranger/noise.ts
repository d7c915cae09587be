/**
 * Noise XX as libp2p has it, for the side that dials: https://github.com/libp2p/specs/blob/master/noise/README.md
 */
import { Buffer } from "node:buffer";
import {
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { Writer } from "../../../src/messages/wire.ts";
import { open, seal } from "./chacha.ts";
import { type Duplex, Pipe } from "./pipe.ts";

const PROTOCOL = "Noise_XX_25519_ChaChaPoly_SHA256";
const PREFIX = "noise-libp2p-static-key:";
/** What stands before the 32 bytes of a public key in its DER form. */
const X25519_DER = Buffer.from("302a300506032b656e032100", "hex");
const KEY_BYTES = 32;
const MAX_PLAIN = 65535 - 16;
const NOTHING = new Uint8Array(0);

/** The key that a peer is known by. */
export class Identity {
  readonly #key = generateKeyPairSync("ed25519");
  /** The public key as libp2p writes it. */
  readonly publicKey: Uint8Array = new Writer().varint(1, 1n)
    .always(2, raw(this.#key.publicKey)).finish();

  sign(bytes: Uint8Array): Uint8Array {
    return sign(null, bytes, this.#key.privateKey);
  }
}

/** What both sides have said so far, and the key that has come of it. */
class Handshake {
  #hash: Buffer = Buffer.from(PROTOCOL);
  #chain: Buffer = this.#hash;
  #key?: Uint8Array;
  #counter = 0;

  constructor() {
    this.mixHash(NOTHING);
  }

  mixHash(bytes: Uint8Array): void {
    this.#hash = createHash("sha256").update(this.#hash).update(bytes).digest();
  }

  mixKey(secret: Uint8Array): void {
    [this.#chain, this.#key] = derive(this.#chain, secret);
    this.#counter = 0;
  }

  seal(plain: Uint8Array): Uint8Array {
    const sealed = seal(this.#key!, this.#counter++, this.#hash, plain);
    this.mixHash(sealed);
    return sealed;
  }

  open(sealed: Uint8Array): Uint8Array {
    const plain = open(this.#key!, this.#counter++, this.#hash, sealed);
    this.mixHash(sealed);
    return plain;
  }

  split(): [Uint8Array, Uint8Array] {
    return derive(this.#chain, NOTHING);
  }
}

/** Makes a connection secret, and says who dials. */
export async function secure(to: Duplex, identity: Identity): Promise<Duplex> {
  const send = (bytes: Uint8Array) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    to.write(Buffer.concat([length, bytes]));
  };
  const receive = async () =>
    await to.pipe.read((await to.pipe.read(2)).readUInt16BE());

  const handshake = new Handshake();
  const ephemeral = generateKeyPairSync("x25519");
  const fixed = generateKeyPairSync("x25519");
  handshake.mixHash(raw(ephemeral.publicKey));
  handshake.mixHash(NOTHING);
  send(raw(ephemeral.publicKey));

  const answer = await receive();
  const theirs = answer.subarray(0, KEY_BYTES);
  handshake.mixHash(theirs);
  handshake.mixKey(agree(ephemeral.privateKey, theirs));
  const end = 2 * KEY_BYTES + 16;
  const theirFixed = handshake.open(answer.subarray(KEY_BYTES, end));
  handshake.mixKey(agree(ephemeral.privateKey, theirFixed));
  handshake.open(answer.subarray(end));

  const ours = handshake.seal(raw(fixed.publicKey));
  handshake.mixKey(agree(fixed.privateKey, theirs));
  const signed = Buffer.concat([Buffer.from(PREFIX), raw(fixed.publicKey)]);
  const payload = new Writer().always(1, identity.publicKey)
    .always(2, identity.sign(signed));
  send(Buffer.concat([ours, handshake.seal(payload.finish())]));

  const [sending, receiving] = handshake.split();
  const pipe = new Pipe();
  const decrypt = async () => {
    for (let counter = 0;; counter++) {
      pipe.push(open(receiving, counter, NOTHING, await receive()));
    }
  };
  decrypt().catch(() => pipe.end());
  let counter = 0;
  const write = (plain: Uint8Array) => {
    for (let at = 0; at < plain.length; at += MAX_PLAIN) {
      const part = plain.subarray(at, at + MAX_PLAIN);
      send(seal(sending, counter++, NOTHING, part));
    }
  };
  return { pipe, write };
}

function derive(
  chain: Uint8Array,
  secret: Uint8Array,
): [Buffer, Buffer] {
  const hmac = (key: Uint8Array, ...parts: Uint8Array[]) =>
    createHmac("sha256", key).update(Buffer.concat(parts)).digest();
  const key = hmac(chain, secret);
  const first = hmac(key, Uint8Array.of(1));
  return [first, hmac(key, first, Uint8Array.of(2))];
}

function agree(own: KeyObject, theirs: Uint8Array): Uint8Array {
  const key = Buffer.concat([X25519_DER, theirs]);
  const publicKey = createPublicKey({ key, format: "der", type: "spki" });
  return diffieHellman({ privateKey: own, publicKey });
}

/** The 32 bytes of a public key. */
function raw(key: KeyObject): Uint8Array {
  return key.export({ format: "der", type: "spki" }).subarray(-KEY_BYTES);
}

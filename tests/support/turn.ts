/**
 * A TURN server for tests that lets nobody relay: it asks for credentials, looks whether they are right, and refuses (RFC 8656).
 */
import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import { createSocket } from "node:dgram";

const ALLOCATE = 0x0003;
const ERROR = 0x0110;
const USERNAME = 0x0006;
const MESSAGE_INTEGRITY = 0x0008;
const ERROR_CODE = 0x0009;
const REALM = 0x0014;
const NONCE = 0x0015;
const HEADER = 20;
const INTEGRITY_BYTES = 24;
const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;
const QUOTA_REACHED = 486;
const REALM_NAME = "test";

/** The server. */
export interface Turn extends AsyncDisposable {
  /** Its URL, as a node's options take it. */
  url: string;
  /** The names of those who had the right password. */
  users: Set<string>;
}

/** Starts it on 127.0.0.1, with the passwords by name. */
export async function startTurn(
  passwords: Record<string, string>,
): Promise<Turn> {
  const users = new Set<string>();
  const socket = createSocket("udp4");
  socket.on("message", (request, { port, address }) => {
    const answer = (code: number, key?: Buffer) =>
      socket.send(refusal(request, code, key), port, address);
    if (request.readUInt16BE(0) !== ALLOCATE) return answer(BAD_REQUEST);
    const given = attributesOf(request);
    const name = given.get(USERNAME)?.value.toString();
    if (name === undefined) return answer(UNAUTHORIZED);
    const { at, value } = given.get(MESSAGE_INTEGRITY)!;
    const key = createHash("md5")
      .update(`${name}:${REALM_NAME}:${passwords[name]}`).digest();
    if (!integrity(request.subarray(0, at), key).equals(value)) {
      return answer(UNAUTHORIZED);
    }
    users.add(name);
    answer(QUOTA_REACHED, key);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    url: `turn:127.0.0.1:${socket.address().port}`,
    users,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => socket.close(() => resolve())),
  };
}

function attributesOf(message: Buffer) {
  const attributes = new Map<number, { at: number; value: Buffer }>();
  for (let at = HEADER; at + 4 <= message.length;) {
    const length = message.readUInt16BE(at + 2);
    const value = message.subarray(at + 4, at + 4 + length);
    attributes.set(message.readUInt16BE(at), { at, value });
    at += 4 + (length + 3 & ~3);
  }
  return attributes;
}

/** What the attribute holds that ends a message: it covers all before it, and its own length. */
function integrity(message: Buffer, key: Buffer): Buffer {
  const covered = Buffer.from(message);
  covered.writeUInt16BE(covered.length + INTEGRITY_BYTES - HEADER, 2);
  return createHmac("sha1", key).update(covered).digest();
}

function refusal(request: Buffer, code: number, key?: Buffer): Buffer {
  const number = Buffer.of(0, 0, Math.floor(code / 100), code % 100);
  const answer = Buffer.concat([
    request.subarray(0, HEADER),
    attribute(ERROR_CODE, number),
    attribute(REALM, Buffer.from(REALM_NAME)),
    attribute(NONCE, Buffer.from("once")),
  ]);
  answer.writeUInt16BE(request.readUInt16BE(0) | ERROR, 0);
  answer.writeUInt16BE(answer.length - HEADER, 2);
  if (key === undefined) return answer;
  const sum = attribute(MESSAGE_INTEGRITY, integrity(answer, key));
  answer.writeUInt16BE(answer.length + sum.length - HEADER, 2);
  return Buffer.concat([answer, sum]);
}

function attribute(type: number, value: Buffer): Buffer {
  const whole = Buffer.alloc(4 + (value.length + 3 & ~3));
  whole.writeUInt16BE(type, 0);
  whole.writeUInt16BE(value.length, 2);
  value.copy(whole, 4);
  return whole;
}

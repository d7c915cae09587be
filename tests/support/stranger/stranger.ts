/**
 * A libp2p peer that is not of this network: it dials a node over TCP, says which protocols it speaks, asks the same, and notes which
 * of them the node then uses. The other end is a whole node; this one knows just enough of the protocols to be answered.
 */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { Fields, Writer } from "../../../src/messages/wire.ts";
import { Identity, secure } from "./noise.ts";
import { block, type Duplex, Pipe } from "./pipe.ts";
import { type Stream, Yamux } from "./yamux.ts";

const SELECT = "/multistream/1.0.0";
const IDENTIFY = "/ipfs/id/1.0.0";

/** What a peer says of itself. */
export interface Described {
  agent: string;
  protocols: string[];
}

/** The stranger, from the connection to its end. */
export class Stranger {
  /** The protocols that the node has opened streams for, out of those that this side speaks. */
  readonly used: Set<string> = new Set();
  readonly #socket: Socket;
  readonly #identity = new Identity();
  readonly #protocols: readonly string[];
  #yamux!: Yamux;
  #noticed = () => {};

  private constructor(socket: Socket, protocols: readonly string[]) {
    this.#socket = socket;
    this.#protocols = protocols;
  }

  /** Dials a node by its TCP address on 127.0.0.1, and says that it speaks those protocols. */
  static async dial(
    addresses: string[],
    protocols: readonly string[] = [],
  ): Promise<Stranger> {
    const port = addresses.map((address) =>
      /^\/ip4\/127\.0\.0\.1\/tcp\/(\d+)\/p2p\//.exec(address)?.[1]
    ).find(Boolean);
    const socket = connect(Number(port), "127.0.0.1");
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve).once("error", reject);
    });
    const stranger = new Stranger(socket, protocols);
    await stranger.#upgrade();
    return stranger;
  }

  /** Resolves when the node has ended the connection. */
  get closed(): Promise<void> {
    return this.#yamux.closed;
  }

  /** What the node says of itself. */
  async identify(): Promise<Described> {
    const stream = this.#yamux.open();
    await propose(stream, IDENTIFY);
    const fields = new Fields(await stream.pipe.readBlock());
    const described: Described = { agent: "", protocols: [] };
    while (fields.next()) {
      if (fields.number === 3) described.protocols.push(fields.text);
      else if (fields.number === 6) described.agent = fields.text;
    }
    return described;
  }

  /** Resolves when the node has opened a stream for a protocol. */
  async uses(protocol: string): Promise<void> {
    while (!this.used.has(protocol)) {
      await new Promise<void>((resolve) => this.#noticed = resolve);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    return this.closed;
  }

  async #upgrade(): Promise<void> {
    const socket = this.#socket;
    const pipe = new Pipe();
    socket.on("data", (bytes) => pipe.push(bytes as Buffer));
    socket.on("close", () => pipe.end());
    socket.on("error", () => pipe.end());
    const plain = {
      pipe,
      write: (bytes: Uint8Array) => void socket.write(bytes),
    };
    await propose(plain, "/noise");
    const secret = await secure(plain, this.#identity);
    await propose(secret, "/yamux/1.0.0");
    this.#yamux = new Yamux(secret, (stream) => {
      this.#serve(stream).catch(() => {});
    });
  }

  /** Answers the node's offers of protocols until one is known here. */
  async #serve(stream: Stream): Promise<void> {
    for (;;) {
      const offered = await readLine(stream);
      if (offered === SELECT) {
        writeLine(stream, SELECT);
        continue;
      }
      const known = offered === IDENTIFY || this.#protocols.includes(offered);
      writeLine(stream, known ? offered : "na");
      if (!known) continue;
      if (offered === IDENTIFY) this.#describe(stream);
      else this.used.add(offered);
      return this.#noticed();
    }
  }

  #describe(stream: Stream): void {
    const about = new Writer().always(1, this.#identity.publicKey)
      .text(6, "stranger");
    for (const protocol of [IDENTIFY, ...this.#protocols]) {
      about.text(3, protocol);
    }
    stream.write(block(about.finish()));
    stream.end();
  }
}

async function propose(to: Duplex, protocol: string): Promise<void> {
  writeLine(to, SELECT);
  writeLine(to, protocol);
  for (const expected of [SELECT, protocol]) {
    const answer = await readLine(to);
    if (answer !== expected) throw new Error(`${expected}: ${answer}`);
  }
}

function writeLine(to: Duplex, line: string): void {
  to.write(block(Buffer.from(`${line}\n`)));
}

async function readLine(from: Duplex): Promise<string> {
  return (await from.pipe.readBlock()).toString().trimEnd();
}

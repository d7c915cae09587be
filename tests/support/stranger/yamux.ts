/** Yamux as far as a peer in tests needs it: streams both ways, of little data. https://github.com/hashicorp/yamux/blob/master/spec.md */
import { Buffer } from "node:buffer";
import { type Duplex, Pipe } from "./pipe.ts";

const HEADER = 12;
const Type = { DATA: 0, WINDOW: 1, PING: 2 } as const;
const Flag = { SYN: 1, ACK: 2, FIN: 4, RST: 8 } as const;

/** One stream. */
export interface Stream extends Duplex {
  /** Says that no more is written. */
  end(): void;
}

/** The streams of a connection, for the side that dialled. */
export class Yamux {
  readonly #to: Duplex;
  readonly #streams = new Map<number, Pipe>();
  readonly #accept: (stream: Stream) => void;
  #next = 1;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>;

  /** `accept` is given the streams that the other side opens. */
  constructor(to: Duplex, accept: (stream: Stream) => void) {
    this.#to = to;
    this.#accept = accept;
    this.closed = this.#run().catch(() => {
      for (const pipe of this.#streams.values()) pipe.end();
    });
  }

  /** Opens a stream. */
  open(): Stream {
    const id = this.#next;
    this.#next += 2;
    this.#send(Type.WINDOW, Flag.SYN, id);
    return this.#stream(id);
  }

  async #run(): Promise<never> {
    for (;;) {
      const header = await this.#to.pipe.read(HEADER);
      const type = header[1];
      const flags = header.readUInt16BE(2);
      const id = header.readUInt32BE(4);
      const length = header.readUInt32BE(8);
      if (type === Type.PING && flags & Flag.SYN) {
        this.#send(Type.PING, Flag.ACK, 0, length);
      }
      if (id === 0) continue;
      if (flags & Flag.SYN) {
        this.#send(Type.WINDOW, Flag.ACK, id);
        this.#accept(this.#stream(id));
      }
      if (type === Type.DATA) {
        const data = await this.#to.pipe.read(length);
        this.#streams.get(id)?.push(data);
      }
      if (flags & (Flag.FIN | Flag.RST)) this.#streams.get(id)?.end();
    }
  }

  #stream(id: number): Stream {
    const pipe = new Pipe();
    this.#streams.set(id, pipe);
    return {
      pipe,
      write: (bytes) => this.#send(Type.DATA, 0, id, bytes.length, bytes),
      end: () => this.#send(Type.DATA, Flag.FIN, id),
    };
  }

  #send(
    type: number,
    flags: number,
    id: number,
    length = 0,
    data = new Uint8Array(0) as Uint8Array,
  ): void {
    const header = Buffer.alloc(HEADER);
    header[1] = type;
    header.writeUInt16BE(flags, 2);
    header.writeUInt32BE(id, 4);
    header.writeUInt32BE(length, 8);
    this.#to.write(Buffer.concat([header, data]));
  }
}

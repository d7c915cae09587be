/** Bytes on their way: written in pieces as they come, read in pieces as they are needed. */
import { Buffer } from "node:buffer";

/** The two directions of a connection. */
export interface Duplex {
  readonly pipe: Pipe;
  write(bytes: Uint8Array): void;
}

/** What has come and was not read yet. */
export class Pipe {
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake = () => {};

  push(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The next bytes, as many as are asked for. */
  async read(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) {
      if (this.#ended) throw new Error("the connection has ended");
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  /** A block that begins with its length as a varint. */
  async readBlock(): Promise<Buffer> {
    let length = 0;
    for (let shift = 0;; shift += 7) {
      const [byte] = await this.read(1);
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) return await this.read(length);
    }
  }
}

/** A block with its length before it, as `readBlock` takes it. */
export function block(bytes: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= 7) length.push(rest & 0x7f | 0x80);
  return Buffer.concat([Uint8Array.of(...length, rest), bytes]);
}

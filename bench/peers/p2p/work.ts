/** What the programs of this folder share: the work as they are given it, the tally of what arrives, clocks. */
import process from "node:process";

/** What is to be done; `docs/performance.md` says what each field means. */
export interface Work {
  work: string;
  role: "receive" | "send";
  transport: "tcp" | "quic";
  to: string[];
  size: number;
  ms: number;
  warmMs: number;
  count: number;
  everyMs?: number;
  nodes?: number;
  topics?: number;
  /** `sender` or `await`: how messages are sent. */
  send?: string;
  /** Whether `messages({ shared: true })` is used. */
  shared?: boolean;
}

/** The first byte of a payload, 0 while warming up; the last message carries how many were measured. */
export const MEASURED = 1, LAST = 2;

/** Prints a line of JSON. */
export function print(line: unknown): void {
  process.stdout.write(JSON.stringify(line) + "\n");
}

/** The processor time that this process has taken, in seconds. */
export function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Of times in milliseconds, in microseconds. */
export function percentiles(times: number[]) {
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    1000 * times[Math.floor(share * (times.length - 1))];
  return { p50: at(0.5), p99: at(0.99), count: times.length };
}

/** Counts what senders send, from the first measured message to the last. */
export class Tally {
  #senders: number;
  #began = 0;
  #cpu = 0;
  #messages = 0;
  #bytes = 0;
  #sent = 0;

  constructor(senders = 1) {
    this.#senders = senders;
  }

  /** Counts a message; the result, once it was the last. */
  take(data: Uint8Array) {
    if (data[0] === MEASURED) {
      if (this.#messages++ === 0) {
        this.#began = performance.now();
        this.#cpu = cpu();
      }
      this.#bytes += data.length;
    } else if (data[0] === LAST) {
      this.#sent += new DataView(data.buffer, data.byteOffset)
        .getUint32(1, true);
      if (--this.#senders > 0) return;
      return {
        messages: this.#messages,
        bytes: this.#bytes,
        lost: this.#sent - this.#messages,
        seconds: (performance.now() - this.#began) / 1000,
        cpu: cpu() - this.#cpu,
      };
    }
  }
}

/** The last message after some measured ones. */
export function lastMessage(size: number, sent: number): Uint8Array {
  const data = new Uint8Array(size);
  data[0] = LAST;
  new DataView(data.buffer).setUint32(1, sent, true);
  return data;
}

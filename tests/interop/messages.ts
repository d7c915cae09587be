/** Cases of payloads: one side writes messages, the other reads them. */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { decodeMessage, encodeMessage } from "../../src/messages/mod.ts";
import { describe, RandomMessages } from "../support/messages.ts";
import type { Case } from "./cases.ts";

/** The cases by name. */
export const messages = new Map<string, Case>();

const PROGRAM = fileURLToPath(
  new URL("../vectors/messages.py", import.meta.url),
);
const MANY = 10_000;
const BATCH = 1000;

messages.set(
  `${MANY} random messages of Python are read here without a difference`,
  () =>
    withCodec(async (request) => {
      for (let seed = 0; seed < MANY / BATCH; seed++) {
        const written = await request<{ bytes: string; message: unknown }[]>({
          call: "write",
          seed,
          count: BATCH,
        });
        assertEquals(written.length, BATCH);
        for (const { bytes, message } of written) {
          const read = decodeMessage(Buffer.from(bytes, "base64"));
          assertEquals(describe(read), message);
        }
      }
    }),
);

messages.set(
  `${MANY} random messages of this module are read by Python without a difference`,
  () =>
    withCodec(async (request) => {
      const random = new RandomMessages(5);
      for (let batch = 0; batch < MANY / BATCH; batch++) {
        const written = Array.from({ length: BATCH }, () => random.next());
        const read = await request<unknown[]>({
          call: "read",
          messages: written.map((message) =>
            Buffer.from(encodeMessage(message)).toString("base64")
          ),
        });
        const expected = written.map((message) =>
          describe(message as Parameters<typeof describe>[0])
        );
        assertEquals(read, expected);
      }
    }),
);

type Ask = <T>(request: Record<string, unknown>) => Promise<T>;

/** Runs the codec of the Python package while `fn` works. */
async function withCodec(fn: (request: Ask) => Promise<void>): Promise<void> {
  const [command, folder] = process.argv.slice(2);
  const child = spawn(command, [PROGRAM, folder]);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => stderr += text);
  const ended = new Promise<void>((resolve) => child.on("close", resolve));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  try {
    await fn(async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`Python ended: ${stderr.slice(-2000)}`);
      return JSON.parse(value);
    });
  } finally {
    child.stdin.end();
    await ended;
  }
}

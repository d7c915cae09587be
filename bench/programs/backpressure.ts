/** The receiver of bench/backpressure.ts; it starts the sender, which is this file with arguments. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { CURRENT, RUN } from "../../scripts/runtimes.ts";
import { createNode } from "../../tests/support/node.ts";

const SMALL = 100_000;
const LARGE = 2_000;
const PAUSE_MS = 2_000;
const PAUSE_AT = [SMALL / 2, SMALL + LARGE / 2];

/** The payload of each message: its number, then bytes that follow from it. */
function payload(number: number): Uint8Array {
  const data = new Uint8Array(number < SMALL ? 100 : 64 << 10);
  data.fill(number & 0xff);
  new DataView(data.buffer).setUint32(0, number);
  return data;
}

/** The most memory that this process has taken so far. */
function peakMB(): number {
  const line = /VmHWM:\s+(\d+)/.exec(
    readFileSync("/proc/self/status", "utf8"),
  )!;
  return Math.round(Number(line[1]) / 1024);
}

async function send(addresses: string[]): Promise<void> {
  await using node = await createNode();
  const { id } = await node.connectTo(addresses);
  const channel = `${node.peerId}::dm:${id}-numbers`;
  const hash = createHash("sha256");
  for (let number = 0; number < SMALL + LARGE; number++) {
    const data = payload(number);
    hash.update(data);
    await node.sendMessageToPeer(channel, data);
  }
  await node.close();
  console.log(JSON.stringify({ hash: hash.digest("hex"), peakMB: peakMB() }));
}

async function receive(): Promise<void> {
  await using node = await createNode();
  const sender = spawn(process.execPath, [
    ...RUN[CURRENT],
    process.argv[1],
    ...node.addresses,
  ], { stdio: ["ignore", "pipe", "inherit"] });
  let report = "";
  sender.stdout.setEncoding("utf8").on("data", (text) => report += text);
  const ended = new Promise((resolve) => sender.on("close", resolve));
  const begin = performance.now();
  const hash = createHash("sha256");
  let messages = 0, inOrder = true;
  for await (const { data } of node.messages()) {
    const { buffer, byteOffset } = data;
    inOrder &&= new DataView(buffer, byteOffset).getUint32(0) === messages;
    hash.update(data);
    messages++;
    if (PAUSE_AT.includes(messages)) await delay(PAUSE_MS);
    if (messages === SMALL + LARGE) break;
  }
  const seconds = Math.round((performance.now() - begin) / 100) / 10;
  await ended;
  const sent = JSON.parse(report);
  console.log(JSON.stringify({
    messages,
    intact: inOrder && hash.digest("hex") === sent.hash,
    seconds,
    senderMB: sent.peakMB,
    receiverMB: peakMB(),
  }));
}

const addresses = process.argv.slice(2);
await (addresses.length > 0 ? send(addresses) : receive());

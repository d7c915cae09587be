// What holds for all nodes of a process; each row looks at a process of its own.
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { LogRecord } from "../../mod.ts";
import { checkSettings } from "../../src/settings.ts";
import { createNode, withFolder } from "../support/node.ts";
import { runProgram } from "../support/program.ts";
import { row } from "./row.ts";

/** Runs a program in a process of its own, and reads what it prints. */
async function run(name: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await withFolder((folder) =>
    runProgram(name, { args: [...args, folder] })
  );
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

async function logged(level: string): Promise<LogRecord[]> {
  return JSON.parse(await run("logger.ts", level)).records;
}

row("setup_library", "a second call is ignored with a warning", async () => {
  const records = await logged("debug");
  assert(/ignored/.test(records.at(-1)!.message));
});

row("max_instances", "32 by default, and no node beyond", async () => {
  assertEquals(checkSettings({}).maxInstances, 32);
  await run("limits.ts");
});

row(
  "max_channels",
  "100 by default; what comes on more is dropped under a policy",
  async () => {
    assertEquals(checkSettings({}).maxChannels, 100);
    const kept = (await run("overflow.ts", "drop-newest")).trim().split(" ");
    const channels = new Set(kept.map(([channel]) => channel));
    assertEquals([...channels], ["a", "b"]);
  },
);

row(
  "max_queue_per_channel",
  "50 by default; what comes beyond is dropped under a policy",
  async () => {
    assertEquals(checkSettings({}).maxQueuePerChannel, 50);
    const kept = (await run("overflow.ts", "drop-newest")).trim().split(" ");
    const first = kept.filter(([channel]) => channel === "a");
    assertEquals(first, ["a0", "a1", "a2", "a3", "a4"]);
  },
);

row(
  "max_message_size",
  "50 MiB by default, 2^31-1 at most, and nothing larger is sent or taken",
  async () => {
    assertEquals(checkSettings({}).maxMessageSize, 52428800);
    assertThrows(() => checkSettings({ maxMessageSize: 2 ** 31 }), RangeError);
    await run("limits.ts");
    await using sender = await createNode();
    const receiver = run("small.ts", ...sender.addresses);
    sender.addEventListener("peerconnect", ({ detail: { id } }) => {
      const channel = `${sender.peerId}::dm:${id}-test`;
      sender.sendMessageToPeer(channel, new Uint8Array(1001)).catch(() => {});
    });
    assertEquals(await receiver, "too-large\n");
  },
);

row("enable_logging", "off by default, a level otherwise", async () => {
  assertEquals(checkSettings({}).logLevel, "off");
  const levels = async (level: string) =>
    new Set((await logged(level)).map(({ level }) => level));
  assert((await levels("debug")).has("debug"));
  assert(!(await levels("warn")).has("debug"));
  assertEquals(await run("silent.ts"), "");
});

row("unai_logger", "a function that is given each record", async () => {
  const records = await logged("debug");
  assert(records.length > 1);
  assert(records.every(({ message }) => typeof message === "string"));
});

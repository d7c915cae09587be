// Maps by what strangers choose, and the channels that they choose.

import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { Inlet } from "../../src/inlet.ts";
import { Mailbox } from "../../src/mailbox.ts";
import { TextMap } from "../../src/text_map.ts";
import { cpuTime } from "../support/decode.ts";
import { numerals } from "../support/hostile.ts";

test("a map by texts keeps every text apart from every other", () => {
  const texts = ["", "0", "=0", "==0", "00", "a", "=a", "1".repeat(17), "="];
  texts.push("1".repeat(16), `=${"1".repeat(16)}`, "__proto__", "4294967295");
  const map = new TextMap<number>();
  texts.forEach((text, i) => map.set(text, i));
  assertEquals(texts.map((text) => map.get(text)), texts.map((_, i) => i));
  assertEquals([...map.values()], texts.map((_, i) => i));
  assertEquals(map.size, texts.length);
  assertEquals([map.has("="), map.has("b")], [true, false]);
  assertEquals([map.delete("0"), map.delete("0")], [true, false]);
  assertEquals([map.get("0"), map.get("=0")], [undefined, 2]);
});

test("messages on channels whose hashes V8 makes equal cost no more than others", () => {
  const time = (channels: string[]) => {
    const mailbox = new Mailbox({
      overflow: "wait",
      maxChannels: 1,
      maxQueuePerChannel: 1,
      admits: () => true,
      credit: () => {},
      readable: () => {},
      dropped: () => {},
    });
    const inlet = new Inlet(mailbox, 1, "bob", "quic");
    const start = cpuTime();
    for (const channel of channels) {
      inlet.receive(channel, new Uint8Array(1), 0);
    }
    while (mailbox.take());
    return cpuTime() - start;
  };
  const equal = time(numerals(16_000));
  const others = time(numerals(16_000).map((name) => `channel ${name}`));
  assert(equal < 3 * others + 500, `${equal} ms, others ${others} ms`);
});

// Filters over the mailbox: who gets which message, in which order, and at what cost.

import { assert, assertEquals, assertLess } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import type { Filter } from "../../src/claims.ts";
import { Inlet } from "../../src/inlet.ts";
import { MessageIterator } from "../../src/iterator.ts";
import { Mailbox } from "../../src/mailbox.ts";
import type { Message } from "../../src/message.ts";

const OVERHEAD = 256;
const encoder = new TextEncoder();

/** A mailbox with three peers, whose messages are numbered over all of them. */
function mailboxOf() {
  const credits: number[] = [];
  let readable = 0, number = 0;
  const mailbox = new Mailbox({
    overflow: "wait",
    maxChannels: 100,
    maxQueuePerChannel: 50,
    admits: () => true,
    credit: (_inlet, cost) => credits.push(cost),
    readable: () => readable++,
    dropped: () => {},
  });
  const inlets = ["ann", "bob", "cid", "dan", "eve"].map((peer, index) =>
    new Inlet(mailbox, index, peer, inMany(peer) ? "pubsub" : "quic")
  );
  /** Puts a message of a peer on its channel with a topic; of Cid, Dan and Eve, on a topic of many. */
  const put = (...names: string[]) => {
    for (const name of names) {
      const [peer, topic] = name.split(" ");
      const inlet = inlets.find((inlet) => inlet.peer === peer)!;
      inlet.receive(
        channelOf(peer, topic),
        encoder.encode(`${number++} ${name}`),
        1,
      );
    }
  };
  const reader = (filter: Filter = {}, signal?: AbortSignal) =>
    new MessageIterator(mailbox, { ...filter, signal });
  return { mailbox, inlets, put, reader, credits, readable: () => readable };
}

function channelOf(peer: string, topic: string): string {
  return inMany(peer) ? `world::ps:${topic}` : `${peer}::dm:me-${topic}`;
}

function inMany(peer: string): boolean {
  return ["cid", "dan", "eve"].includes(peer);
}

function name(message: Message | undefined | null): string | undefined {
  return message?.text().replace(/^\d+ /, "");
}

function drain(reader: MessageIterator): string[] {
  const names: string[] = [];
  for (let next = reader.take(); next; next = reader.take()) {
    names.push(name(next)!);
  }
  return names;
}

const microtasks = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

const ALL = ["ann x", "bob x", "ann y", "cid x", "bob y", "ann x"];
for (
  const [what, filter, taken] of [
    ["a peer", { from: "ann" }, ["ann x", "ann y", "ann x"]],
    ["a channel", { channel: "bob::dm:me-y" }, ["bob y"]],
    ["a topic of many", { channel: "world::ps:x" }, ["cid x"]],
    ["a topic", { topic: "x" }, ["ann x", "bob x", "ann x"]],
    ["a topic of a peer", { from: "bob", topic: "x" }, ["bob x"]],
    ["a peer and channel", { from: "cid", channel: "world::ps:x" }, ["cid x"]],
    ["what nobody sends", { from: "ann", channel: "bob::dm:me-y" }, []],
    ["nothing", {}, ALL],
  ] as [string, Filter, string[]][]
) {
  for (const made of ["before", "after"]) {
    test(`a filter by ${what}, made ${made} the messages, takes those, and others the rest`, () => {
      const { put, reader, mailbox } = mailboxOf();
      if (made === "after") put(...ALL);
      const filtered = reader(filter);
      if (made === "before") put(...ALL);
      assertEquals(drain(filtered), taken);
      const expected = filter.from || filter.channel || filter.topic
        ? ALL.filter((name) => !taken.includes(name))
        : [];
      assertEquals(mailbox.length, expected.length);
      assertEquals(drain(reader()), expected);
      assertEquals(mailbox.length, 0);
    });
  }
}

test("a message waits for its filter's reader, whoever else is waiting", async () => {
  const { put, reader } = mailboxOf();
  const ann = reader({ from: "ann" });
  const all = reader();
  const next = all.next();
  put("ann x", "bob x");
  assertEquals(name((await next).value), "bob x");
  assertEquals(name((await ann.next()).value), "ann x");
});

test("a reader that waits gets what matches its filter, and nothing else", async () => {
  const { put, reader, mailbox } = mailboxOf();
  const next = reader({ from: "ann", topic: "y" }).next();
  put("ann x", "bob y", "ann y");
  assertEquals(name((await next).value), "ann y");
  assertEquals(mailbox.length, 2);
});

test("readers with one filter share what it matches", async () => {
  const { put, reader } = mailboxOf();
  const [one, other] = [reader({ from: "ann" }), reader({ from: "ann" })];
  const both = [one.next(), other.next()];
  put("ann 1", "ann 2", "ann 3");
  const names = (await Promise.all(both)).map(({ value }) => name(value));
  assertEquals(names, ["ann 1", "ann 2"]);
  await one.return();
  assertEquals(drain(other), ["ann 3"]);
});

for (
  const [first, second] of [
    [{ topic: "x" }, { from: "ann" }],
    [{ from: "ann" }, { topic: "x" }],
    [{ channel: "ann::dm:me-x" }, { from: "ann", topic: "x" }],
    [{ from: "ann", topic: "x" }, { channel: "ann::dm:me-x" }],
  ] as Filter[][]
) {
  const what = [first, second].map((filter) => Object.keys(filter).join("+"));
  test(`of two filters that match the older has a message, and the other what it leaves: ${what}`, async () => {
    const { put, reader } = mailboxOf();
    const older = reader(first);
    const younger = reader(second);
    put("ann x", "ann x");
    assertEquals(younger.take(), undefined);
    const next = younger.next();
    assertEquals(name(older.take()), "ann x");
    await older.return();
    assertEquals(name((await next).value), "ann x");
    put("ann x");
    assertEquals(drain(younger), ["ann x"]);
  });
}

test("a filter by topic takes nothing that has none", () => {
  const { put, reader, inlets, mailbox } = mailboxOf();
  const filtered = reader({ topic: "undefined" });
  put("cid x");
  inlets[0].receive("free text", encoder.encode("0 free"), 1);
  inlets[2].receive("w::ps:x::dm:y-undefined", encoder.encode("0 topic"), 1);
  assertEquals(filtered.take(), undefined);
  assertEquals(mailbox.length, 3);
});

test("a source of messages on 2,000 channels keeps no lane that is empty", () => {
  const { inlets, mailbox } = mailboxOf();
  const data = new Uint8Array(1);
  for (let i = 0; i < 2000; i++) inlets[0].receive(`ann::dm:me-${i}`, data, i);
  assertEquals(inlets[0].lanes, 2000);
  while (mailbox.length > 1) mailbox.take();
  assertEquals(inlets[0].lanes, 1);
  for (let i = 0; i < 2000; i++) {
    inlets[0].receive(`ann::dm:me-${i}`, data, i);
    mailbox.takeOneOfEach();
  }
  assertEquals([inlets[0].lanes, mailbox.length], [1, 0]);
});

test("what a filter leaves goes back to its place in the order of arrival", async () => {
  const { put, reader, readable } = mailboxOf();
  const filtered = reader({ from: "ann" });
  put("ann 1", "bob 2", "ann 3", "bob 4", "ann 5");
  await microtasks();
  assertEquals(readable(), 1);
  assertEquals(name(filtered.take()), "ann 1");
  await filtered.return();
  assertEquals(filtered.take(), undefined);
  const expected = ["bob 2", "ann 3", "bob 4", "ann 5"];
  assertEquals(drain(reader()), expected);
});

test("whoever waits gets what a filter leaves, and a mailbox that was empty is readable", async () => {
  const { put, reader, mailbox, readable } = mailboxOf();
  const filtered = reader({ from: "ann" });
  const next = reader().next();
  put("ann 1", "ann 2", "ann 3");
  await microtasks();
  assertEquals([mailbox.length, readable()], [0, 0]);
  const abort = new AbortController();
  const second = reader({ from: "ann" }, abort.signal);
  await filtered.return();
  assertEquals(mailbox.length, 0);
  abort.abort();
  assertEquals(name((await next).value), "ann 1");
  await microtasks();
  assertEquals([mailbox.length, readable()], [2, 1]);
  assertEquals(second.take(), undefined);
});

test("popMessages() and the queue's length leave out what a filter claims", () => {
  const { put, reader, mailbox } = mailboxOf();
  reader({ from: "ann" });
  put("ann x", "bob x", "cid x", "bob x", "ann y", "cid x");
  assertEquals(mailbox.length, 4);
  assertEquals(mailbox.takeOneOfEach().map(name), ["bob x", "cid x"]);
  assertEquals(mailbox.takeOneOfEach().map(name), ["bob x", "cid x"]);
  assertEquals(mailbox.takeOneOfEach(), []);
});

test("popMessages() gives the oldest of a topic of many that no filter claims", () => {
  const { put, reader, mailbox, inlets } = mailboxOf();
  inlets[1].receive("world::ps:x", encoder.encode("0 bob first"), 1);
  put("cid x");
  inlets[1].receive("world::ps:x", encoder.encode("0 bob second"), 1);
  const claimed = reader({ from: "bob" });
  assertEquals(mailbox.takeOneOfEach().map(name), ["cid x"]);
  assertEquals(drain(claimed), ["bob first", "bob second"]);
});

test("no credit is given for what waits for a filter's reader", async () => {
  const { put, reader, credits } = mailboxOf();
  const filtered = reader({ from: "ann" });
  put("ann x", "bob x");
  const taken = drain(reader());
  await microtasks();
  assertEquals([taken, credits], [["bob x"], []]);
  drain(filtered);
  await microtasks();
  assertEquals(credits.length, 2);
  assertEquals(credits[0], "0 ann x".length + OVERHEAD);
});

test("a filtered iterator ends when the mailbox has ended and its messages were taken", async () => {
  const { put, reader, mailbox } = mailboxOf();
  const busy = reader({ from: "ann" });
  const idle = reader({ from: "bob" }).next();
  put("ann x");
  mailbox.end();
  assertEquals((await idle).done, true);
  assertEquals(name((await busy.next()).value), "ann x");
  assertEquals((await busy.next()).done, true);
});

test("under any mixture of filters each message is taken once, in order, by one whose filter it matches", () => {
  const { put, reader, mailbox, inlets } = mailboxOf();
  let seed = 7;
  const random = (n: number) => (seed = seed * 48271 % 2147483647) % n;
  const filters: Filter[] = [
    {},
    { from: "ann" },
    { from: "bob" },
    { topic: "x" },
    { topic: "y" },
    { from: "ann", topic: "x" },
    { channel: "world::ps:x" },
    { channel: "bob::dm:me-y" },
    { from: "cid" },
  ];
  const readers: { filter: Filter; iterator: MessageIterator }[] = [];
  const taken = new Set<number>();
  /** By peer and topic, the number that was taken last. */
  const last = new Map<string, number>();
  let sent = 0;
  const check = (message: Message, filter: Filter) => {
    const [number, peer, topic] = message.text().split(" ");
    assert(!taken.has(Number(number)), `${number} came twice`);
    taken.add(Number(number));
    const key = `${peer} ${topic}`;
    assert(Number(number) > (last.get(key) ?? -1), `${key} out of order`);
    last.set(key, Number(number));
    assert(matches(filter, peer, topic), `${key} for another filter`);
    if (Object.keys(filter).length > 0) return;
    const other = readers.find(({ filter }) =>
      Object.keys(filter).length > 0 && matches(filter, peer, topic)
    );
    assert(!other, `${key} was claimed`);
  };
  for (let i = 0; i < 60_000; i++) {
    switch (random(8)) {
      case 0:
        if (readers.length < 8) {
          const filter = filters[random(filters.length)];
          readers.push({ filter, iterator: reader(filter) });
        }
        break;
      case 1:
        if (random(3) === 0 && readers.length > 0) {
          const [left] = readers.splice(random(readers.length), 1);
          left.iterator.return();
        }
        break;
      case 2:
        for (const message of mailbox.takeOneOfEach()) check(message, {});
        break;
      case 3:
      case 4: {
        const chosen = readers[random(readers.length)];
        const message = chosen?.iterator.take();
        if (message) check(message, chosen.filter);
        break;
      }
      default:
        put(
          `${inlets[random(5)].peer} ${["x", "y", "z"][random(3)]}`,
        );
        sent++;
    }
  }
  for (const { iterator } of readers.splice(0)) iterator.return();
  assertEquals(mailbox.length, sent - taken.size);
  for (let next = mailbox.take(); next; next = mailbox.take()) check(next, {});
  assertEquals(taken.size, sent);
});

function matches(filter: Filter, peer: string, topic: string): boolean {
  const channel = channelOf(peer, topic);
  return (filter.from === undefined || filter.from === peer) &&
    (filter.channel === undefined || filter.channel === channel) &&
    (filter.topic === undefined || (!inMany(peer) && filter.topic === topic));
}

// Seconds of processor time, not of the clock: what grew with what waits took more than twenty of them, and this takes one or two.
const SOON = 8;
const MANY = 100_000;

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

test("taking each of 100,000 messages by an iterator of its own costs a constant each", () => {
  const { mailbox, inlets, put } = mailboxOf();
  put("bob x");
  const data = new Uint8Array(1);
  for (let i = 0; i < MANY; i++) inlets[0].receive("ann::dm:me-x", data, i);
  const began = processorTime();
  for (let i = 0; i < MANY; i++) {
    const reader = new MessageIterator(mailbox, { from: "ann", topic: "x" });
    if (reader.take()?.receivedAt !== i) throw new Error(`not message ${i}`);
    reader.return();
  }
  assertLess(processorTime() - began, SOON);
});

test("a message finds its own among 50,000 filters in a constant time", () => {
  const { mailbox, inlets } = mailboxOf();
  const count = 50_000;
  const readers = Array.from(
    { length: count },
    (_, i) => new MessageIterator(mailbox, { from: "ann", topic: `${i}` }),
  );
  const data = new Uint8Array(1);
  const began = processorTime();
  for (let i = 0; i < count; i++) {
    inlets[0].receive(`ann::dm:me-${i}`, data, i);
    if (readers[i].take()?.receivedAt !== i) {
      throw new Error(`not message ${i}`);
    }
  }
  assertLess(processorTime() - began, SOON);
});

test("popping 100,000 messages of 1,000 channels costs a constant each", () => {
  const { mailbox, inlets } = mailboxOf();
  const data = new Uint8Array(1);
  for (let i = 0; i < MANY; i++) {
    inlets[0].receive(`ann::dm:me-${i % 1000}`, data, i);
  }
  const began = processorTime();
  let popped = 0;
  while (mailbox.length > 0) popped += mailbox.takeOneOfEach().length;
  assertEquals(popped, MANY);
  assertLess(processorTime() - began, SOON);
});

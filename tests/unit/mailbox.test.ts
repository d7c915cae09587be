// The mailbox: order, credit, overflow and iterators.

import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { MessageIterator } from "../../src/iterator.ts";
import { Inlet } from "../../src/inlet.ts";
import { Mailbox } from "../../src/mailbox.ts";
import type { Message } from "../../src/message.ts";
import type { Overflow } from "../../src/settings.ts";

const OVERHEAD = 256;

function mailboxOf(overflow: Overflow = "wait", limits = [3, 2]) {
  const credits: number[] = [];
  const dropped: string[] = [];
  let readable = 0;
  const mailbox = new Mailbox({
    overflow,
    maxChannels: limits[0],
    maxQueuePerChannel: limits[1],
    admits: (message) => message.channel !== "x",
    credit: (_inlet, cost) => credits.push(cost),
    readable: () => readable++,
    dropped: (message) => dropped.push(name(message)!),
  });
  const inlet = new Inlet(mailbox, 1, "bob", "quic");
  /** Puts "a1" on channel a, and so on. */
  const put = (...names: string[]) => {
    for (const name of names) {
      inlet.receive(name[0], new TextEncoder().encode(name), 1);
    }
  };
  return { mailbox, inlet, put, credits, dropped, readable: () => readable };
}

function name(message: Message | undefined): string | undefined {
  return message && new TextDecoder().decode(message.data);
}

function takeAll(mailbox: Mailbox): string[] {
  return Array.from({ length: mailbox.length }, () => name(mailbox.take())!);
}

const microtasks = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

test("the mailbox gives messages in the order of arrival over all channels", () => {
  const { mailbox, put } = mailboxOf();
  put("a1", "b1", "a2", "c1", "b2");
  assertEquals(takeAll(mailbox), ["a1", "b1", "a2", "c1", "b2"]);
  assertEquals(mailbox.take(), undefined);
});

test("the mailbox pops the oldest of each channel and keeps the rest in order", () => {
  const { mailbox, put } = mailboxOf();
  put("a1", "a2", "b1", "a3", "b2");
  assertEquals(mailbox.takeOneOfEach().map(name), ["a1", "b1"]);
  assertEquals(mailbox.length, 3);
  put("b3");
  assertEquals(takeAll(mailbox), ["a2", "a3", "b2", "b3"]);
  assertEquals(mailbox.takeOneOfEach(), []);
});

test("the mailbox stays in order under any mixture of both", () => {
  const { mailbox, put } = mailboxOf();
  const taken: Record<string, number> = {};
  const check = (message: Message) => {
    const [channel, ...number] = name(message)!;
    const last = taken[channel] ?? 0;
    assertEquals(Number(number.join("")), last + 1);
    taken[channel] = last + 1;
  };
  const sent: Record<string, number> = {};
  let seed = 1;
  const random = (n: number) => (seed = seed * 48271 % 2147483647) % n;
  for (let i = 0; i < 20_000; i++) {
    const channel = "abcdefg"[random(7)];
    sent[channel] = (sent[channel] ?? 0) + 1;
    put(channel + sent[channel]);
    if (random(5) === 0) mailbox.takeOneOfEach().forEach(check);
    if (mailbox.length > 0 && random(3) === 0) check(mailbox.take()!);
  }
  while (mailbox.length > 0) check(mailbox.take()!);
  assertEquals(taken, sent);
});

test("the mailbox gives credit back when it becomes empty", async () => {
  const { mailbox, put, credits } = mailboxOf();
  put("a1", "a2");
  mailbox.take();
  await microtasks();
  assertEquals(credits, []);
  mailbox.take();
  await microtasks();
  assertEquals(credits, [2 * (2 + OVERHEAD)]);
});

test("the mailbox gives credit back in batches of 256 KiB before that", async () => {
  const { mailbox, inlet, put, credits } = mailboxOf();
  for (let i = 0; i < 3; i++) inlet.receive("a", new Uint8Array(200_000), 1);
  put("a1");
  mailbox.take();
  await microtasks();
  assertEquals(credits, []);
  mailbox.take();
  await microtasks();
  assertEquals(credits, [2 * (200_000 + OVERHEAD)]);
});

test("the mailbox tells when it turns from empty to not empty, once", async () => {
  const { mailbox, put, readable } = mailboxOf();
  put("a1", "a2", "b1");
  await microtasks();
  assertEquals(readable(), 1);
  takeAll(mailbox);
  put("a3");
  await microtasks();
  assertEquals(readable(), 2);
});

test("the mailbox waits by default, whatever the limits", () => {
  const { mailbox, put, dropped } = mailboxOf("wait");
  put("a1", "a2", "a3", "b1", "c1", "d1");
  assertEquals(mailbox.length, 6);
  assertEquals(dropped, []);
});

test("the mailbox drops the newest where the policy says so", async () => {
  const { mailbox, put, dropped, credits } = mailboxOf("drop-newest");
  put("a1", "a2", "a3", "b1", "c1", "d1");
  assertEquals(dropped, ["a3", "d1"]);
  assertEquals(takeAll(mailbox), ["a1", "a2", "b1", "c1"]);
  await microtasks();
  assertEquals(credits, [6 * (2 + OVERHEAD)]);
});

test("the mailbox drops the oldest of a channel where the policy says so", () => {
  const { mailbox, put, dropped } = mailboxOf("drop-oldest");
  put("a1", "b1", "a2", "a3", "a4");
  assertEquals(dropped, ["a1", "a2"]);
  assertEquals(takeAll(mailbox), ["b1", "a3", "a4"]);
});

test("the mailbox makes room for a new channel when another is emptied", () => {
  const { mailbox, put, dropped } = mailboxOf("drop-newest", [1, 2]);
  put("a1");
  mailbox.take();
  put("b1");
  assertEquals(dropped, []);
});

test("an iterator over the mailbox gets what waits and what comes", async () => {
  const { mailbox, put } = mailboxOf();
  const messages = new MessageIterator(mailbox);
  put("a1");
  assertEquals(name((await messages.next()).value), "a1");
  const next = messages.next();
  put("b1");
  assertEquals(name((await next).value), "b1");
});

test("an iterator over the mailbox gives what waits already without a promise", async () => {
  const { mailbox, put } = mailboxOf();
  const messages = new MessageIterator(mailbox);
  assertEquals(messages.take(), undefined);
  put("a1", "b1");
  assertEquals(name(messages.take()), "a1");
  await messages.return();
  assertEquals(messages.take(), undefined);
  assertEquals(mailbox.length, 1);
});

test("an iterator over the mailbox shares the mailbox: each message goes to one", async () => {
  const { mailbox, put } = mailboxOf();
  const [one, other] = [
    new MessageIterator(mailbox),
    new MessageIterator(mailbox),
  ];
  const both = [one.next(), other.next()];
  put("a1", "a2", "a3");
  const names = (await Promise.all(both)).map(({ value }) => name(value));
  assertEquals(names, ["a1", "a2"]);
  assertEquals(mailbox.length, 1);
});

test("an iterator over the mailbox ends when the mailbox has ended and is empty", async () => {
  const { mailbox, put } = mailboxOf();
  put("a1");
  mailbox.end();
  const names = [];
  for await (const message of new MessageIterator(mailbox)) {
    names.push(name(message));
  }
  assertEquals(names, ["a1"]);
});

test("an iterator over the mailbox ends while it waits when the mailbox ends", async () => {
  const { mailbox } = mailboxOf();
  const next = new MessageIterator(mailbox).next();
  mailbox.end();
  assertEquals((await next).done, true);
});

test("an iterator over the mailbox leaves the mailbox as it is when the loop is left", async () => {
  const { mailbox, put } = mailboxOf();
  put("a1", "a2");
  for await (const _ of new MessageIterator(mailbox)) break;
  assertEquals(takeAll(mailbox), ["a2"]);
});

test("an iterator over the mailbox can be returned from while it waits", async () => {
  const { mailbox, put } = mailboxOf();
  const messages = new MessageIterator(mailbox);
  const next = messages.next();
  await messages.return();
  assertEquals((await next).done, true);
  put("a1");
  assertEquals(mailbox.length, 1);
  assertEquals((await messages.next()).done, true);
});

test("an iterator over the mailbox throws the reason of its signal", async () => {
  const { mailbox, put } = mailboxOf();
  const abort = new AbortController();
  const messages = new MessageIterator(mailbox, { signal: abort.signal });
  const next = messages.next();
  const reason = new Error("enough");
  abort.abort(reason);
  assertEquals(await assertRejects(() => next), reason);
  assertEquals(await assertRejects(() => messages.next()), reason);
  put("a1");
  assertEquals(mailbox.length, 1);
});

test("a mailbox gives back the credit of messages that it does not admit, and holds the others", () => {
  const { mailbox, put, credits } = mailboxOf();
  put("a1", "x1", "x2", "a2");
  assertEquals(takeAll(mailbox), ["a1", "a2"]);
  return Promise.resolve().then(() =>
    assertEquals(credits, [4 * (2 + OVERHEAD)])
  );
});

// The iterator of messages(): what it inherits, how it ends, and what it leaves behind.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { Inlet } from "../../src/inlet.ts";
import { MessageIterator } from "../../src/iterator.ts";
import { Mailbox } from "../../src/mailbox.ts";

function mailboxOf() {
  const mailbox = new Mailbox({
    overflow: "wait",
    maxChannels: 100,
    maxQueuePerChannel: 50,
    admits: () => true,
    credit: () => {},
    readable: () => {},
    dropped: () => {},
  });
  const inlet = new Inlet(mailbox, 1, "bob", "quic");
  const put = (text: string) =>
    inlet.receive("a", new TextEncoder().encode(text), 1);
  return { mailbox, put };
}

/** A signal that counts who listens to it. */
function countedSignal() {
  const abort = new AbortController();
  const { signal } = abort;
  const listeners = new Set<unknown>();
  let added = 0;
  signal.addEventListener = (_type: string, listener: unknown) => {
    added++;
    listeners.add(listener);
  };
  signal.removeEventListener = (_type: string, listener: unknown) => {
    listeners.delete(listener);
  };
  return { signal, added: () => added, listening: () => listeners.size };
}

for (
  const [how, end] of [
    ["returned from", (messages: MessageIterator) => messages.return()],
    [
      "thrown into",
      (messages: MessageIterator) => messages.throw(1).catch(() => {}),
    ],
    [
      "disposed of",
      (messages: MessageIterator) => messages[Symbol.asyncDispose](),
    ],
    ["at its end", (messages: MessageIterator, mailbox: Mailbox) => {
      mailbox.end();
      return messages.next();
    }],
  ] as [string, (it: MessageIterator, mailbox: Mailbox) => unknown][]
) {
  test(`an iterator listens to its signal once, and no longer when it is ${how}`, async () => {
    const { mailbox, put } = mailboxOf();
    const { signal, added, listening } = countedSignal();
    const messages = new MessageIterator(mailbox, { signal });
    for (let i = 0; i < 50; i++) {
      const next = messages.next();
      put(`${i}`);
      assertEquals((await next).value?.text(), `${i}`);
      assertEquals([added(), listening()], [1, 1]);
    }
    await end(messages, mailbox);
    assertEquals([added(), listening()], [1, 0]);
    assertEquals((await messages.next()).done, true);
  });
}

test("an iterator whose signal has aborted takes nothing and holds nothing", async () => {
  const { mailbox, put } = mailboxOf();
  const reason = new Error("enough");
  const messages = new MessageIterator(mailbox, {
    signal: AbortSignal.abort(reason),
    shared: true,
    from: "bob",
  });
  put("1");
  assertEquals(messages.take(), undefined);
  assertEquals(await assertRejects(() => messages.next()), reason);
  assertEquals([mailbox.length, mailbox.sharers], [1, 0]);
});

test("an iterator that is thrown into ends, rejects with the reason, and lets go who waits", async () => {
  const { mailbox, put } = mailboxOf();
  const messages = new MessageIterator(mailbox);
  const next = messages.next();
  const reason = new Error("enough");
  assertEquals(await assertRejects(() => messages.throw(reason)), reason);
  assertEquals(await next, { value: undefined, done: true });
  put("1");
  assertEquals(mailbox.length, 1);
});

test("an iterator answers return() with what it is given, once that is there", async () => {
  const { mailbox } = mailboxOf();
  const answer = (value: unknown) =>
    new MessageIterator(mailbox).return(value as undefined);
  assertEquals(await answer(7), { value: 7, done: true } as unknown);
  assertEquals(
    await answer(Promise.resolve(8)),
    { value: 8, done: true } as unknown,
  );
  await assertRejects(() => answer(Promise.reject(new Error("9"))), Error, "9");
});

test("an iterator is disposed of at the end of its block", async () => {
  const { mailbox } = mailboxOf();
  let next;
  {
    await using messages = new MessageIterator(mailbox);
    next = messages.next();
  }
  assertEquals((await next).done, true);
});

test("an iterator has whatever the runtime gives to async iterators", async () => {
  const { mailbox, put } = mailboxOf();
  const generator = async function* () {};
  const inherited = Object.getPrototypeOf(
    Object.getPrototypeOf(generator.prototype),
  );
  const messages = new MessageIterator(mailbox);
  assertEquals(Object.getPrototypeOf(MessageIterator.prototype), inherited);
  assert(messages[Symbol.asyncIterator]() === messages);
  const known = Object.getOwnPropertyDescriptor(inherited, "first");
  assertEquals(known, undefined);
  inherited.first = async function (this: AsyncIterable<unknown>) {
    for await (const value of this) return value;
  };
  try {
    put("1");
    const { first } = messages as unknown as {
      first(): Promise<{ text(): string }>;
    };
    assertEquals((await first.call(messages)).text(), "1");
  } finally {
    delete inherited.first;
  }
});

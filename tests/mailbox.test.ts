/** Taking messages: popMessages(), messages(), and how they share a mailbox. */
import { assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import type { Message, P2P } from "../mod.ts";
import { connect, createNode, directChannel } from "./support/node.ts";
import { decode, encode, take, until } from "./support/wait.ts";

test("popMessages() gives the oldest message of each channel", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await send(alice, bob, ["a:1", "a:2", "b:1", "a:3", "c:1"]);
  await filled(bob, 5);
  assertEquals(textsOf(bob.popMessages()), ["a:1", "b:1", "c:1"]);
  assertEquals(textsOf(bob.popMessages()), ["a:2"]);
  assertEquals(textsOf(bob.popMessages()), ["a:3"]);
  assertEquals(bob.popMessages(), []);
});

test("messages() gives the messages of all channels in the order of arrival", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const texts = ["a:1", "b:1", "a:2", "c:1", "b:2"];
  await send(alice, bob, texts);
  assertEquals(textsOf(await take(bob, 5)), texts);
});

test("popMessages() and messages() take from the same mailbox", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await send(alice, bob, ["a:1", "a:2", "b:1", "b:2"]);
  await filled(bob, 4);
  assertEquals(textsOf(bob.popMessages()), ["a:1", "b:1"]);
  assertEquals(textsOf(await take(bob, 2)), ["a:2", "b:2"]);
});

test("getMessageQueueLength() counts the messages that wait", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  assertEquals(bob.getMessageQueueLength(), 0);
  await send(alice, bob, ["a:1", "b:1", "b:2"]);
  await filled(bob, 3);
  bob.popMessages();
  assertEquals(bob.getMessageQueueLength(), 1);
  await take(bob, 1);
  assertEquals(bob.getMessageQueueLength(), 0);
});

test("several iterators share the messages, each goes to one of them", async () => {
  await using alice = await createNode();
  const bob = await createNode();
  await connect(alice, bob);
  const taken: Message[][] = [[], [], []];
  const readers = taken.map(async (mine) => {
    for await (const message of bob.messages()) mine.push(message);
  });
  const texts = Array.from({ length: 90 }, (_, index) => `a:${index}`);
  await send(alice, bob, texts);
  await until(() => taken.flat().length === texts.length, "all were taken");
  await bob.close();
  await Promise.all(readers);
  assertEquals(textsOf(taken.flat()).sort(), texts.sort());
});

test("leaving the loop leaves the other messages", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await send(alice, bob, ["a:1", "a:2", "a:3"]);
  for await (const { data } of bob.messages()) {
    assertEquals(decode(data), "a:1");
    break;
  }
  assertEquals(textsOf(await take(bob, 2)), ["a:2", "a:3"]);
});

test("messages() ends when the node is closed, after what it had received", async () => {
  await using alice = await createNode();
  const bob = await createNode();
  await connect(alice, bob);
  await send(alice, bob, ["a:1", "a:2"]);
  await filled(bob, 2);
  const iterator = bob.messages();
  await bob.close();
  const messages: Message[] = [];
  for await (const message of iterator) messages.push(message);
  assertEquals(textsOf(messages), ["a:1", "a:2"]);
});

test("a loop that waits ends when the node is closed", async () => {
  const node = await createNode();
  const next = node.messages()[Symbol.asyncIterator]().next();
  await node.close();
  assertEquals((await next).done, true);
});

test("a loop that waits rejects when its signal aborts", async () => {
  await using node = await createNode();
  const controller = new AbortController();
  const reason = new Error("enough");
  const next = node.messages({ signal: controller.signal })
    [Symbol.asyncIterator]().next();
  controller.abort(reason);
  assertEquals(await assertRejects(() => next), reason);
});

/** Sends texts of the form `<channel>:<text>`. */
async function send(from: P2P, to: P2P, texts: string[]): Promise<void> {
  for (const text of texts) {
    const channel = directChannel(from, to, text.split(":")[0]);
    await from.sendMessageToPeer(channel, encode(text));
  }
}

function filled(node: P2P, count: number): Promise<void> {
  return until(
    () => node.getMessageQueueLength() === count,
    `${count} messages wait`,
  );
}

function textsOf(messages: Message[]): string[] {
  return messages.map(({ data }) => decode(data));
}

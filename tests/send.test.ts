/** What a program needs that knows nothing of channels: send() to a peer, texts and JSON, and readers for a part of what comes. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { type Message, type P2P, P2PError } from "../mod.ts";
import { asCid, connect, createNode } from "./support/node.ts";
import { decode, encode, once, take, until } from "./support/wait.ts";

const NOBODY = "12D3KooWEXse6zf6g6rsFckJqXA6SWWrENNB3oN8tG5qPEPWV5do";
const TEXT = "\ufeffgrüße, 👋 and \u0000";

test("send() reaches a peer by its id alone, and the peer answers by the sender's", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await alice.send(bob.peerId!, encode("hello"));
  const [hello] = await take(bob, 1);
  assertEquals([hello.from, hello.text()], [alice.peerId, "hello"]);
  assertEquals(hello.channel, `${alice.peerId}::dm:${bob.peerId}-misc`);
  await bob.send(hello.from, "hello to you", { topic: "answer" });
  const [answer] = await take(alice, 1);
  assertEquals(answer.text(), "hello to you");
  assertEquals(answer.channel, `${bob.peerId}::dm:${alice.peerId}-answer`);
});

test("send() takes a peer id in any spelling, and keeps its order with sendMessageToPeer()", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = `${alice.peerId}::dm:${bob.peerId}-misc`;
  const sends = Array.from({ length: 99 }, (_, i) => {
    switch (i % 3) {
      case 0:
        return alice.send(asCid(bob.peerId!), `${i}`);
      case 1:
        return alice.sendMessageToPeer(channel, `${i}`);
      default:
        return alice.send(bob.peerId!, `${i}`, { topic: "a-b~c" });
    }
  });
  const messages = await take(bob, sends.length);
  await Promise.all(sends);
  const texts = messages.map((message) => message.text());
  assertEquals(texts, sends.map((_, i) => `${i}`));
});

test("send() refuses wrong arguments before anything is sent", async () => {
  await using alice = await createNode();
  const { peerId } = alice;
  // deno-lint-ignore no-explicit-any
  const send = (...args: any[]) => () =>
    // deno-lint-ignore no-explicit-any
    (alice.send as any)(...args) as Promise<void>;
  const wrong: [() => Promise<void>, new () => Error, string][] = [
    [send(), TypeError, "peerId"],
    [send(7, "x"), TypeError, "peerId"],
    [send("", "x"), RangeError, "peerId"],
    [send(NOBODY), TypeError, "data"],
    [send(NOBODY, [1]), TypeError, "data"],
    [send(NOBODY, ""), RangeError, "data"],
    [send(NOBODY, "\ud800"), RangeError, "data"],
    [send(NOBODY, "x", null), TypeError, "options"],
    [send(NOBODY, "x", { topci: "y" }), TypeError, 'did you mean "topic"'],
    [send(NOBODY, "x", { topic: 7 }), TypeError, "options.topic"],
    [send(NOBODY, "x", { topic: "" }), RangeError, "options.topic"],
    [send(NOBODY, "x", { topic: "\udfff" }), RangeError, "options.topic"],
    [send(NOBODY, "x", { topic: "a::ps:b" }), RangeError, "options.topic"],
    [send(NOBODY, "x", { topic: "y".repeat(200) }), RangeError, "255 bytes"],
    [send(NOBODY, "x", { timeout: 0 }), RangeError, "options.timeout"],
    [send(NOBODY, "x", { signal: 1 }), TypeError, "options.signal"],
  ];
  for (const [refused, kind, text] of wrong) {
    await assertRejects(refused, kind, text);
  }
  const codes: [string | null, string][] = [
    [peerId, "PEER_SELF"],
    ["my friend", "PEER_INVALID"],
    ["my-friend", "PEER_INVALID"],
    ["friend", "PEER_INVALID"],
    [NOBODY, "PEER_UNKNOWN"],
  ];
  for (const [peer, code] of codes) {
    const error = await assertRejects(() => alice.send(peer!, "x"), P2PError);
    assertEquals([error.code, error.peerId], [code, peer]);
  }
});

test("a text arrives as it was sent, by every way of sending", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = `${alice.peerId}::ps:texts`;
  const joined = once(
    alice,
    "topicpeers",
    ({ detail }) => detail.peers.includes(bob.peerId!),
  );
  await alice.subscribeToTopic(topic);
  await bob.subscribeToTopic(topic);
  await joined;
  const channel = `${alice.peerId}::dm:${bob.peerId}-texts`;
  await using sender = alice.sender(channel);
  await sender.ready;
  const ways = [
    () => alice.send(bob.peerId!, TEXT),
    () => alice.sendMessageToPeer(channel, TEXT),
    () => alice.broadcastMessage(topic, TEXT),
    () => Promise.resolve(assertEquals(sender.send(TEXT), true)),
  ];
  for (const send of ways) {
    await send();
    const [message] = await take(bob, 1);
    assertEquals(message.text(), TEXT);
    assertEquals(message.data, encode(TEXT));
  }
  assertThrows(() => sender.send("\ud83d"), RangeError, "data");
  await assertRejects(
    () => alice.broadcastMessage(topic, "\ud83d"),
    RangeError,
    "data",
  );
  await assertRejects(
    () => alice.sendMessageToPeer(channel, "\ud83d"),
    RangeError,
    "data",
  );
});

test("a message is read as JSON, and says where it is none", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const value = { text: TEXT, numbers: [1, 2.5, -3], nothing: null };
  await alice.send(bob.peerId!, JSON.stringify(value));
  await alice.send(bob.peerId!, "{");
  await alice.send(bob.peerId!, new Uint8Array([0x22, 0xff, 0x22]));
  const [good, broken, bytes] = await take(bob, 3);
  assertEquals(good.json(), value);
  assertThrows(() => broken.json(), SyntaxError);
  assertEquals([bytes.text(), bytes.json()], ['"\ufffd"', "\ufffd"]);
});

test("a message's fields can be spread and cloned", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await alice.send(bob.peerId!, "hello");
  const [message] = await take(bob, 1);
  const { from, channel, data, transport, receivedAt } = message;
  const fields = { from, channel, data, transport, receivedAt };
  assertEquals({ ...message }, fields);
  assertEquals({ ...structuredClone(message) }, fields);
});

test("two loops with filters get all of theirs each, and a third the rest", async () => {
  await using alice = await createNode();
  await using carol = await createNode();
  const bob = await createNode();
  await connect(alice, bob);
  await connect(carol, bob);
  const loops = [
    bob.messages({ from: alice.peerId!, topic: "moves" }),
    bob.messages({ from: asCid(carol.peerId!) }),
    bob.messages(),
  ];
  const texts: string[][] = [[], [], []];
  const reading = loops.map(async (loop, i) => {
    for await (const message of loop) texts[i].push(message.text());
  });
  const count = 300;
  for (let i = 0; i < count; i++) {
    await alice.send(bob.peerId!, `move ${i}`, { topic: "moves" });
    await alice.send(bob.peerId!, `chat ${i}`, { topic: "chat" });
    await carol.send(bob.peerId!, `carol ${i}`);
  }
  await until(() => texts.flat().length === 3 * count, "all have come");
  await bob.close();
  await Promise.all(reading);
  for (const [i, what] of ["move", "carol", "chat"].entries()) {
    const expected = Array.from({ length: count }, (_, n) => `${what} ${n}`);
    assertEquals(texts[i], expected);
  }
});

test("a filter by channel takes the messages of one topic, and not a direct message that resembles them", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const topic = `${bob.peerId}::ps:news`;
  await bob.subscribeToTopic(topic);
  const news = bob.messages({ channel: topic });
  const first = news.next();
  await until(async () => {
    await alice.broadcastMessage(topic, "extra");
    return await Promise.race([
      first.then(() => true),
      new Promise<boolean>((resolve) => setTimeout(resolve, 20, false)),
    ]);
  }, "the topic is heard");
  await alice.send(bob.peerId!, "direct", { topic: "news" });
  assertEquals((await first).value?.transport, "pubsub");
  const [direct] = await take(bob, 1);
  assertEquals(decode(direct.data), "direct");
  await news.return();
});

test("a peer whose messages no loop takes is slowed down, and nobody else", async () => {
  await using alice = await createNode();
  await using carol = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await connect(carol, bob);
  await using idle = bob.messages({ from: alice.peerId! });
  const data = new Uint8Array(256 << 10);
  const count = 200; // 50 MiB, many windows
  let sent = 0;
  const sending = (async () => {
    for (; sent < count; sent++) await alice.send(bob.peerId!, data);
  })();
  for (let i = 0; i < count; i++) {
    await carol.send(bob.peerId!, data);
    const [message] = await take(bob, 1);
    assertEquals(message.from, carol.peerId);
  }
  assertEquals(sent < count, true);
  const taken: Message[] = [];
  for await (const message of idle) {
    taken.push(message);
    if (taken.length === count) break;
  }
  await sending;
  assertEquals(taken.every(({ data }) => data.length === 256 << 10), true);
});

test("a filter that cannot be is refused", async () => {
  await using node: P2P = await createNode();
  // deno-lint-ignore no-explicit-any
  const messages = (options: any) => () => node.messages(options);
  assertThrows(messages({ from: 7 }), TypeError, "options.from");
  assertThrows(messages({ from: "" }), RangeError, "options.from");
  assertThrows(messages({ from: "my friend" }), P2PError, "options.from");
  assertThrows(messages({ channel: 7 }), TypeError, "options.channel");
  assertThrows(messages({ topic: "" }), RangeError, "options.topic");
  assertThrows(messages({ topic: "\ud800" }), RangeError, "options.topic");
  assertThrows(messages({ topic: "a", channel: "b" }), TypeError, "channel");
  assertThrows(messages({ form: NOBODY }), TypeError, 'did you mean "from"');
  assertThrows(messages({ shared: 1 }), TypeError, "options.shared");
  assertThrows(messages({ signal: 1 }), TypeError, "options.signal");
  assertThrows(messages(null), TypeError, "options");
});

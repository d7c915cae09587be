/** Direct messages: what arrives, and what is refused before anything is sent. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { test } from "node:test";
import { type P2P, P2PError } from "../mod.ts";
import { asCid, connect, createNode, directChannel } from "./support/node.ts";
import {
  assertSameBytes,
  bytes,
  decode,
  encode,
  once,
  take,
} from "./support/wait.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_MESSAGE_SIZE = 50 * MIB;
const NOBODY = "12D3KooWEXse6zf6g6rsFckJqXA6SWWrENNB3oN8tG5qPEPWV5do";

test("a message arrives as it was sent, with its sender and channel", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob, "text~trail");
  const data = bytes(1000);
  const before = Date.now();
  await alice.sendMessageToPeer(channel, data);
  const [message] = await take(bob, 1);
  assertEquals(message.from, alice.peerId);
  assertEquals(message.channel, channel);
  assertEquals(message.data, data);
  // Finer than Date.now(), which cuts the fraction off.
  assert(message.receivedAt >= before && message.receivedAt < Date.now() + 1);
  const [peer] = bob.getConnectedPeersInfo();
  assertEquals(message.transport, peer.transport);
});

test("messages go both ways, whoever connected", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await bob.sendMessageToPeer(directChannel(bob, alice), encode("first"));
  await alice.sendMessageToPeer(directChannel(alice, bob), encode("second"));
  assertEquals(decode((await take(alice, 1))[0].data), "first");
  assertEquals(decode((await take(bob, 1))[0].data), "second");
});

for (const transport of ["tcp", "quic", "ws", "webtransport"] as const) {
  test(`messages of all sizes arrive over ${transport}`, async () => {
    const options = { transports: [transport] };
    await using alice = await createNode(options);
    await using bob = await createNode(options);
    await connect(alice, bob);
    const channel = directChannel(alice, bob);
    const sizes = [1, 255, 16 * KIB, 64 * KIB - 1, 300 * KIB, 5 * MIB, 2];
    for (const [seed, size] of sizes.entries()) {
      await alice.sendMessageToPeer(channel, bytes(size, seed));
    }
    const messages = await take(bob, sizes.length);
    for (const [seed, { data, transport: used }] of messages.entries()) {
      assertSameBytes(data, bytes(sizes[seed], seed));
      assertEquals(used, messages[0].transport);
    }
  });
}

test("senders at once never mix their frames", async () => {
  const options = { transports: ["tcp" as const] };
  await using alice = await createNode(options);
  await using bob = await createNode(options);
  await connect(alice, bob);
  const sizes = [20 * MIB, 4 * MIB, MIB, 100, 4 * MIB, 10, MIB];
  const send = (from: P2P, to: P2P) =>
    Promise.all(sizes.map((size, seed) =>
      from.sendMessageToPeer(
        directChannel(from, to, `${seed}`),
        bytes(size, seed),
      )
    ));
  const [inBob, inAlice] = await Promise.all([
    take(bob, sizes.length),
    take(alice, sizes.length),
    send(alice, bob),
    send(bob, alice),
  ]);
  for (const { channel, data } of [...inBob, ...inAlice]) {
    const seed = Number(channel.split("-").at(-1));
    assertSameBytes(data, bytes(sizes[seed], seed));
  }
});

test("the caller may reuse its bytes at once", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  const data = new Uint8Array(1000);
  const sends: Promise<void>[] = [];
  for (let i = 0; i < 200; i++) {
    data.fill(i);
    sends.push(alice.sendMessageToPeer(channel, data));
  }
  const messages = await take(bob, sends.length);
  await Promise.all(sends);
  for (const [i, message] of messages.entries()) {
    assert(message.data.every((byte) => byte === i));
  }
});

test("the receiver owns the bytes of a message", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  await alice.sendMessageToPeer(channel, encode("first"));
  await alice.sendMessageToPeer(channel, encode("second"));
  const [first, second] = await take(bob, 2);
  assertEquals(first.data.buffer.byteLength, 5);
  structuredClone(first.data, { transfer: [first.data.buffer as ArrayBuffer] });
  assertEquals(decode(second.data), "second");
});

test("buffers and views of any kind can be sent", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  const whole = bytes(64);
  const views = [
    whole,
    whole.buffer,
    new DataView(whole.buffer, 8, 16),
    new Float64Array(whole.buffer, 16, 2),
    whole.subarray(3, 5),
  ];
  for (const view of views) await alice.sendMessageToPeer(channel, view);
  const received = (await take(bob, views.length)).map(({ data }) => data);
  assertEquals(received, [
    whole,
    whole,
    whole.slice(8, 24),
    whole.slice(16, 32),
    whole.slice(3, 5),
  ]);
});

test("the largest message arrives, and one byte more is a RangeError", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  const largest = MAX_MESSAGE_SIZE - 1 - channel.length;
  await assertRejects(
    () => alice.sendMessageToPeer(channel, new Uint8Array(largest + 1)),
    RangeError,
  );
  const data = bytes(largest);
  const sent = alice.sendMessageToPeer(channel, data);
  const [message] = await take(bob, 1);
  await sent;
  assertSameBytes(message.data, data);
});

test("an empty payload is a RangeError and harms nothing", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  await alice.sendMessageToPeer(channel, encode("1"));
  await assertRejects(
    () => alice.sendMessageToPeer(channel, new Uint8Array()),
    RangeError,
  );
  await alice.sendMessageToPeer(channel, encode("2"));
  const texts = (await take(bob, 2)).map(({ data }) => decode(data));
  assertEquals(texts, ["1", "2"]);
});

test("a channel that is none is refused before anything is sent", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  const wrong = ["", "hello", `${alice.peerId}::dm:${bob.peerId}`, "a::ps:b"];
  for (const channel of wrong) {
    await assertRejects(
      () => alice.sendMessageToPeer(channel, encode("x")),
      RangeError,
    );
  }
  await assertRejects(
    () => alice.sendMessageToPeer(7 as never, encode("x")),
    TypeError,
  );
  const long = directChannel(alice, bob, "x".repeat(200));
  await assertRejects(
    () => alice.sendMessageToPeer(long, encode("x")),
    RangeError,
  );
});

test("a message goes to nobody but a known peer", async () => {
  await using alice = await createNode();
  const stranger = await createNode();
  const codes: [string, string][] = [
    [alice.peerId!, "PEER_SELF"],
    [stranger.peerId!, "PEER_UNKNOWN"],
    ["nobody", "PEER_INVALID"],
    ["no body", "PEER_INVALID"],
  ];
  await stranger.close();
  for (const [peer, code] of codes) {
    const error = await assertRejects(
      () =>
        alice.sendMessageToPeer(`${alice.peerId}::dm:${peer}-y`, encode("x")),
      P2PError,
    );
    assertEquals([error.code, error.operation, error.peerId], [
      code,
      "sendMessageToPeer",
      peer,
    ]);
  }
});

test("a message to a peer that was left connects to it again", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const channel = directChannel(alice, bob);
  await alice.sendMessageToPeer(channel, encode("before"));
  const gone = once(bob, "peerdisconnect");
  await alice.disconnectFrom(bob.peerId!);
  await gone;
  await alice.sendMessageToPeer(channel, encode("after"));
  const texts = (await take(bob, 2)).map(({ data }) => decode(data));
  assertEquals(texts, ["before", "after"]);
});

test("a channel that names another sender is a RangeError at once that names both", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  for (const sender of ["alice", bob.peerId!, NOBODY, ""]) {
    const channel = `${sender}::dm:${bob.peerId}-test`;
    for (
      const refused of [
        () => alice.sendMessageToPeer(channel, encode("x")),
        () => Promise.resolve().then(() => alice.sender(channel)),
      ]
    ) {
      const { message } = await assertRejects(refused, RangeError);
      if (sender) assertStringIncludes(message, alice.peerId!);
      assertStringIncludes(message, sender);
    }
  }
  const swapped = directChannel(bob, alice);
  await assertRejects(
    () => alice.sendMessageToPeer(swapped, encode("x")),
    RangeError,
    bob.peerId!,
  );
});

test("two spellings of a peer are one peer: one queue, one order, and the sender's own is as good", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const spellings = [
    `${alice.peerId}::dm:${bob.peerId}-test`,
    `${asCid(alice.peerId!)}::dm:${asCid(bob.peerId!)}-test`,
    `${alice.peerId}::dm:${asCid(bob.peerId!).toUpperCase()}-test`,
  ];
  const count = 600;
  const large = new Uint8Array(64 * KIB);
  const sends = Array.from({ length: count }, (_, i) => {
    new DataView(large.buffer).setUint32(0, i);
    return alice.sendMessageToPeer(spellings[i % spellings.length], large);
  });
  const messages = await take(bob, count);
  await Promise.all(sends);
  for (const [i, { data, from, channel }] of messages.entries()) {
    assertEquals(new DataView(data.buffer).getUint32(0), i);
    assertEquals(from, alice.peerId);
    assertEquals(channel, spellings[i % spellings.length]);
  }
});

test("every method takes a peer id in any spelling", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const [self, other] = [asCid(alice.peerId!), asCid(bob.peerId!)];
  const toSelf = () =>
    alice.sendMessageToPeer(`${self}::dm:${self}-test`, encode("x"));
  const error = await assertRejects(toSelf, P2PError);
  assertEquals([error.code, error.peerId], ["PEER_SELF", alice.peerId]);
  assertEquals(
    await alice.getNodeAddresses(other),
    await alice.getNodeAddresses(bob.peerId!),
  );
  const gone = once(alice, "peerdisconnect");
  await alice.disconnectFrom(other);
  assertEquals((await gone).detail.id, bob.peerId);
});

test("a direct message on a channel that names another sender is refused and counted", async () => {
  await using alice = await createNode({ verifyChannels: false });
  await using bob = await createNode();
  await connect(alice, bob);
  const counted = once(bob, "drop");
  const forged = `${bob.peerId}::dm:${bob.peerId}-test`;
  await alice.sendMessageToPeer(forged, encode("forged"));
  await alice.sendMessageToPeer(directChannel(alice, bob), encode("true"));
  assertEquals((await counted).detail, {
    reason: "sender-refused",
    channel: forged,
    peerId: alice.peerId!,
    messages: 1,
    bytes: 6,
  });
  assertEquals(decode((await take(bob, 1))[0].data), "true");
});

test("a direct message is taken on any channel when verifyChannels is off", async () => {
  await using alice = await createNode({ verifyChannels: false });
  await using bob = await createNode({ verifyChannels: false });
  await connect(alice, bob);
  const forged = `${bob.peerId}::dm:${bob.peerId}-test`;
  await alice.sendMessageToPeer(forged, encode("forged"));
  assertEquals((await take(bob, 1))[0].channel, forged);
});

// The channel grammar.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  channel,
  checkTopicChannel,
  mayBeFrom,
  parseDestination,
} from "../../src/channel.ts";

test("a direct channel names sender, receiver, content type and trail", () => {
  const name = channel.direct("alice", "bob", "stream_sample", "a-b~c");
  assertEquals(name, "alice::dm:bob-stream_sample~a-b~c");
  assertEquals(parseDestination(name).peer, "bob");
  assertEquals(channel.parse(name), {
    kind: "direct",
    from: "alice",
    to: "bob",
    contentType: "stream_sample",
    trail: "a-b~c",
  });
  assertEquals(channel.parse(channel.direct("alice", "bob", "misc")), {
    kind: "direct",
    from: "alice",
    to: "bob",
    contentType: "misc",
  });
});

test("a topic names its owner, and whether a world announces itself on it", () => {
  assertEquals(channel.topic("alice", "news"), "alice::ps:news");
  for (const name of ["rv", "news"]) {
    assertEquals(channel.parse(channel.topic("alice", name)), {
      kind: "topic",
      owner: "alice",
      name,
      rendezvous: name === "rv",
    });
  }
});

for (const text of ["", "a", "a::dm:b", "::dm:b-c", "a::ps:", "a::dm:-c"]) {
  test(`a channel is not "${text}"`, () => {
    assertEquals(channel.parse(text), null);
  });
}

test("a channel is told from any other text at once, however long", () => {
  const start = performance.now();
  for (const text of ["a::dm:x", "a::dm:-", "a::dm:b-~", "a::", "~-"]) {
    assert(channel.parse(text.repeat(1 << 18)) === null, text);
  }
  const took = performance.now() - start;
  assert(took < 5000, `${took} ms`);
});

test("a channel is a text", () => {
  assertThrows(() => channel.parse(7 as unknown as string), TypeError, "text");
});

test("a channel is not made of parts that would be taken for others", () => {
  for (
    const wrong of [
      () => channel.direct("a::dm:b", "bob", "misc"),
      () => channel.direct("alice", "b-b", "misc"),
      () => channel.direct("alice", "bob", "mi~sc"),
      () => channel.direct("alice", "bob", ""),
      () => channel.direct("alice", "bob", "misc", "x::ps:y"),
      () => channel.direct("alice", "bob", "x".repeat(255)),
      () => channel.topic("a::ps:b", "news"),
      () => channel.topic("alice", ""),
    ]
  ) assertThrows(wrong, RangeError);
});

test("a direct message may not come on a topic, nor on a channel of another sender", () => {
  assertEquals(mayBeFrom("alice", "alice::dm:bob-x"), true);
  assertEquals(mayBeFrom("alice", "free text"), true);
  assertEquals(mayBeFrom("alice", "bob::dm:alice-x"), false);
  assertEquals(mayBeFrom("alice", "alice::ps:news"), false);
});

test("a direct channel is carried as UTF-8", () => {
  const { bytes } = parseDestination("a::dm:b-grüße");
  assertEquals(new TextDecoder().decode(bytes), "a::dm:b-grüße");
});

for (
  const wrong of ["", "a", "a::dm:", "a::dm:b", "a::dm:-b", "a::ps:x::dm:b-c"]
) {
  test(`a direct channel is not "${wrong}"`, () => {
    assertThrows(() => parseDestination(wrong), RangeError);
  });
}

test("a direct channel holds at most 255 bytes", () => {
  parseDestination("a::dm:b-".padEnd(255, "x"));
  assertThrows(
    () => parseDestination("a::dm:b-".padEnd(254, "x") + "ü"),
    RangeError,
    "256",
  );
});

test("a direct channel is a string", () => {
  assertThrows(() => parseDestination(7), TypeError, "channel");
});

test("a topic channel is any text, in this network with its owner", () => {
  for (const text of ["a::ps:rv", "room", "/eth2/beacon_block/ssz_snappy"]) {
    assertEquals(checkTopicChannel(text), text);
  }
  assertEquals(checkTopicChannel(channel.topic("a", "b")), "a::ps:b");
});

test("a topic channel holds at most 255 bytes", () => {
  checkTopicChannel("a::ps:".padEnd(255, "x"));
  const long = "a::ps:".padEnd(254, "x") + "ü";
  assertThrows(() => checkTopicChannel(long), RangeError, "256");
});

test("a topic channel is no direct channel and not empty", () => {
  for (const text of ["", "a::dm:b-c", "a::dm:b"]) {
    assertThrows(() => checkTopicChannel(text), RangeError, "channel");
  }
  for (const text of [undefined, null, 5, {}]) {
    assertThrows(() => checkTopicChannel(text), TypeError, "channel");
  }
});

test("a topic belongs to whom it names, a peer or not", () => {
  for (const owner of ["chess", "12D3KooWAlice", "a b", "grüße"]) {
    const topic = channel.topic(owner, "lobby");
    assertEquals(checkTopicChannel(topic), topic);
    assertEquals(channel.parse(topic), {
      kind: "topic",
      owner,
      name: "lobby",
      rendezvous: false,
    });
  }
});

test("half a surrogate pair, which UTF-8 would make another character of, is in no channel", () => {
  for (const half of ["\ud83d", "\udc4b"]) {
    for (
      const wrong of [
        () => channel.direct(half, "bob", "misc"),
        () => channel.direct("alice", half, "misc"),
        () => channel.direct("alice", "bob", half),
        () => channel.direct("alice", "bob", "misc", `x${half}`),
        () => channel.topic(half, "news"),
        () => channel.topic("alice", `${half}x`),
        () => parseDestination(`alice::dm:bob-${half}`),
        () => checkTopicChannel(`alice::ps:${half}`),
      ]
    ) assertThrows(wrong, RangeError, "well-formed");
  }
  const pair = parseDestination("alice::dm:bob-\ud83d\udc4b");
  assertEquals(new TextDecoder().decode(pair.bytes), "alice::dm:bob-👋");
});

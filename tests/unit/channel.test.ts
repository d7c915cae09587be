// The channel grammar.

import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  checkTopicChannel,
  directChannel,
  parseDirectChannel,
  topicChannel,
} from "../../src/channel.ts";

test("a direct channel names its receiver between the mark and the first dash", () => {
  const channel = directChannel("alice", "bob", "stream_sample~a-b");
  assertEquals(channel, "alice::dm:bob-stream_sample~a-b");
  assertEquals(parseDirectChannel(channel).peer, "bob");
});

test("a direct channel is carried as UTF-8", () => {
  const { bytes } = parseDirectChannel("a::dm:b-grüße");
  assertEquals(new TextDecoder().decode(bytes), "a::dm:b-grüße");
});

for (
  const wrong of ["", "a", "a::dm:", "a::dm:b", "a::dm:-b", "a::ps:x::dm:b-c"]
) {
  test(`a direct channel is not "${wrong}"`, () => {
    assertThrows(() => parseDirectChannel(wrong), RangeError);
  });
}

test("a direct channel holds at most 255 bytes", () => {
  parseDirectChannel("a::dm:b-".padEnd(255, "x"));
  assertThrows(
    () => parseDirectChannel("a::dm:b-".padEnd(254, "x") + "ü"),
    RangeError,
    "256",
  );
});

test("a direct channel is a string", () => {
  assertThrows(() => parseDirectChannel(7), TypeError, "channel");
});

test("a topic channel is any text with the mark", () => {
  assertEquals(checkTopicChannel(topicChannel("a", "b")), "a::ps:b");
  assertEquals(checkTopicChannel("a::ps:rv"), "a::ps:rv");
});

test("a topic channel is nothing else", () => {
  assertThrows(() => checkTopicChannel("a::dm:b-c"), RangeError);
  assertThrows(() => checkTopicChannel(undefined), TypeError);
});

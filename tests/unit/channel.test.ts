// The channel grammar.

import { assertEquals, assertThrows } from "@std/assert";
import { describe, test } from "node:test";
import {
  checkTopicChannel,
  directChannel,
  parseDirectChannel,
  topicChannel,
} from "../../src/channel.ts";

describe("a direct channel", () => {
  test("names its receiver between the mark and the first dash", () => {
    const channel = directChannel("alice", "bob", "stream_sample~a-b");
    assertEquals(channel, "alice::dm:bob-stream_sample~a-b");
    assertEquals(parseDirectChannel(channel).peer, "bob");
  });

  test("is carried as UTF-8", () => {
    const { bytes } = parseDirectChannel("a::dm:b-grüße");
    assertEquals(new TextDecoder().decode(bytes), "a::dm:b-grüße");
  });

  for (
    const wrong of ["", "a", "a::dm:", "a::dm:b", "a::dm:-b", "a::ps:x::dm:b-c"]
  ) {
    test(`is not "${wrong}"`, () => {
      assertThrows(() => parseDirectChannel(wrong), RangeError);
    });
  }

  test("holds at most 255 bytes", () => {
    parseDirectChannel("a::dm:b-".padEnd(255, "x"));
    assertThrows(
      () => parseDirectChannel("a::dm:b-".padEnd(254, "x") + "ü"),
      RangeError,
      "256",
    );
  });

  test("is a string", () => {
    assertThrows(() => parseDirectChannel(7), TypeError, "channel");
  });
});

describe("a topic channel", () => {
  test("is any text with the mark", () => {
    assertEquals(checkTopicChannel(topicChannel("a", "b")), "a::ps:b");
    assertEquals(checkTopicChannel("a::ps:rv"), "a::ps:rv");
  });

  test("is nothing else", () => {
    assertThrows(() => checkTopicChannel("a::dm:b-c"), RangeError);
    assertThrows(() => checkTopicChannel(undefined), TypeError);
  });
});

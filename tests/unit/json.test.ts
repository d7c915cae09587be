// The JSON of messages: what JSON.parse refuses, and what was made to keep it busy.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { encodeJson } from "../../src/messages/json.ts";
import { JsonReader } from "../../src/json_reader.ts";
import { Message } from "../../src/message.ts";
import { decodeMessage, encodeMessage } from "../../src/messages/mod.ts";
import { cpuTime, json, readAtOnce } from "../support/decode.ts";
import { numerals } from "../support/hostile.ts";
import { randomFrom, RandomMessages } from "../support/messages.ts";
import { encode } from "../support/wait.ts";

/** A message as a node gives it to its program. */
function received(text: string): Message {
  return new Message("bob", "a", encode(text), "quic", 0);
}

test("JSON that is nothing but escaped quotes is refused at once", () => {
  assertEquals(readAtOnce(json('\\"'.repeat(32 << 10))), "MESSAGE_INVALID");
  assertEquals(
    readAtOnce(json(`"${'\\"'.repeat(1 << 20)}`)),
    "MESSAGE_INVALID",
  );
});

for (
  const [what, read] of [
    ["decodeMessage", (text: string) => {
      const { content } = decodeMessage(json(text));
      return content.kind === "json" && content.value;
    }],
    ["message.json", (text: string) => received(text).json()],
  ] as const
) {
  test(`strings whose hashes V8 makes equal are read like others by ${what}`, () => {
    const time = (strings: string[]) => {
      const text = JSON.stringify(strings);
      const start = cpuTime();
      const value = read(text);
      const took = cpuTime() - start;
      assertEquals(value, strings);
      return took;
    };
    const others = time(Array.from({ length: 200_000 }, (_, i) => String(i)));
    const equal = time(numerals(200_000));
    assert(equal < 2 * others + 200, `${equal} ms, others ${others} ms`);
  });
}

test("message.json reads what JSON.parse reads, however many numbers are strings", () => {
  const strings = Array.from({ length: 300 }, (_, i) => `${i}`);
  const many = JSON.stringify(strings).slice(1, -1);
  const value = { a: strings, "1": [true, null, -1.5e3, '\u00e9\n"', {}] };
  assertEquals(received(JSON.stringify(value)).json(), value);
  for (
    const text of [
      `[${many}, NaN]`,
      `[${many}, -Infinity]`,
      `[${many}`,
      `[${many}, ${"[".repeat(1000)}${"]".repeat(1000)}]`,
      "[".repeat(1001) + "]".repeat(1001),
      "",
    ]
  ) assertThrows(() => received(text).json(), SyntaxError);
});

test("JSON with NaN is read as JSON.parse reads what has none", () => {
  const random = randomFrom(5);
  const messages = new RandomMessages(5);
  const marks = [...'{}[],:"\\ \n1e-.tn\0'];
  let read = 0;
  for (let i = 0; i < 4000; i++) {
    const { content } = messages.next();
    if (content?.kind !== "json") continue;
    const text = [
      ...encodeJson(content.value)
        .replaceAll(/-?(NaN|Infinity)/g, '"12345"'),
    ];
    const at = Math.floor(random() * text.length);
    const mark = marks[Math.floor(random() * marks.length)];
    if (i % 3 > 0) text.splice(at, i % 2, mark);
    const outcome = (parse: () => unknown) => {
      try {
        return { value: parse() };
      } catch {
        return "refused";
      }
    };
    const given = text.join("");
    const expected = outcome(() => JSON.parse(given));
    assertEquals(
      outcome(() => new JsonReader(given, false).read()),
      expected,
      given,
    );
    if (expected !== "refused") read++;
  }
  assert(read > 500, `only ${read} could be read`);
});

for (
  const text of [
    ...["[NaN", "[NaN,]", "{NaN: 1}", "[NaN NaN]", "[-NaN]", "[+Infinity]"],
    ...["[NaN]]", '{"a" NaN}', '[NaN, "a', '[NaN, "\\"]', '[NaN, "\\x"]'],
    ...['[NaN, "\\u12G4"]', '[NaN, "\t"]', "[NaN, 01]", "[NaN, tru]", "NaN,"],
  ]
) {
  test(`JSON is not ${text}`, () => {
    assertEquals(readAtOnce(json(text)), "MESSAGE_INVALID");
  });
}

for (const word of ["0", "NaN"]) {
  test(`JSON with ${word} may be nested 1,000 deep, and no deeper`, () => {
    const nested = (depth: number) =>
      json(`${"[".repeat(depth)}${word}${"]".repeat(depth)}`);
    const content = decodeMessage(nested(1000)).content;
    decodeMessage(encodeMessage({ sender: "a", content }));
    for (const depth of [1001, 1_000_000]) {
      assertEquals(readAtOnce(nested(depth)), "MESSAGE_INVALID");
    }
  });
}

test("a value that nobody could read is not written", () => {
  let value: unknown = 0;
  for (let i = 0; i < 1001; i++) value = [value];
  const content = { kind: "json", value } as const;
  assertThrows(() => encodeMessage({ sender: "a", content }), RangeError);
});

test("a list with holes is written as JSON that can be read", () => {
  const value = [1, , 3]; // deno-lint-ignore no-sparse-arrays
  const content = { kind: "json", value } as const;
  const decoded = decodeMessage(encodeMessage({ sender: "a", content }));
  assertEquals(decoded.content, { kind: "json", value: [1, null, 3] });
});

test("a message of more lists and objects than there is memory for is refused before they are made", () => {
  const many = 4_200_000;
  assertEquals(readAtOnce(json(`[${"[],".repeat(many)}0]`)), "LIMIT");
  assertEquals(readAtOnce(json(`[${"{},".repeat(many)}0]`)), "LIMIT");
  const braces = "[".repeat(many);
  assertEquals(readAtOnce(json(`"${braces}"`)), {
    kind: "json",
    value: braces,
  });
});

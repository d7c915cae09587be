// What bench/faults goes by: payloads that show any change, and accounts that find each kind of broken promise.

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import {
  judge,
  Ledger,
  type Sent,
  tellings,
  type Told,
} from "../../bench/faults/ledger.ts";
import { read, sizeOf, write } from "../../bench/faults/payload.ts";

const SIZES = { seed: 7, smallest: 1, largest: 3000, spread: true };
const NOTHING = { exact: 0, upTo: 0, there: 0 };

/** The accounts of 1,000 messages, of which those arrive that `arriving` makes of their numbers. */
function account(
  arriving: (numbers: number[]) => number[],
  sent: Partial<Sent> = {},
) {
  const ledger = new Ledger(SIZES, {
    next: 1000,
    refused: [],
    pending: 0,
    ...sent,
  });
  const numbers = Array.from({ length: 1000 }, (_, number) => number);
  for (const number of arriving(numbers)) {
    const data = payload(number);
    const seen = read(data, 3);
    ledger.arrive(seen.number, data.length, seen.intact);
  }
  return ledger.account();
}

function payload(number: number): Buffer {
  const data = Buffer.alloc(sizeOf(SIZES, number));
  write(data, 3, number);
  return data;
}

/** A number whose message carries all of it. */
const large = Array.from({ length: 1000 }, (_, number) => number)
  .find((number) => number > 500 && sizeOf(SIZES, number) > 1000)!;

test("a payload is read as it was written, whatever its length", () => {
  for (let number = 0; number < 1000; number++) {
    const data = payload(number);
    const seen = read(data, 3);
    const bits = 8 * Math.min(data.length, 4);
    assertEquals(seen, { number: number % 2 ** bits, intact: true });
  }
});

test("a payload shows the change of any byte, and that it belongs to another flow", () => {
  const data = payload(large);
  for (let i = 0; i < data.length; i++) {
    data[i] ^= 1;
    assert(!read(data, 3).intact, `byte ${i}`);
    data[i] ^= 1;
  }
  assert(!read(data, 4).intact);
  assert(!read(data.subarray(0, -1), 3).intact);
});

test("nothing is wrong where all arrived in order", () => {
  const all = account((numbers) => numbers);
  assertEquals(all.arrived, 1000);
  assertEquals(judge(all, NOTHING), []);
});

test("what did not arrive is lost silently, unless it was told", () => {
  const some = account((numbers) => numbers.filter((n) => n !== large));
  assertEquals(judge(some, NOTHING), ["1 lost silently"]);
  assertEquals(judge(some, { ...NOTHING, exact: 1 }), []);
  assertEquals(judge(some, { ...NOTHING, there: 1 }), []);
  assertEquals(judge(some, { ...NOTHING, upTo: 9 }), []);
  assertEquals(judge(some, { ...NOTHING, exact: 2 }), [
    "1 told as lost and arrived",
  ]);
});

test("a message that comes twice, or after a later one, or changed, is found", () => {
  const twice = account((numbers) => [...numbers, large]);
  assertEquals(judge(twice, NOTHING), ["1 doubled"]);
  const late = account((numbers) => [
    ...numbers.filter((n) => n !== large),
    large,
  ]);
  assertEquals(judge(late, NOTHING), ["1 out of order"]);
  const ledger = new Ledger(SIZES, { next: 1000, refused: [], pending: 0 });
  ledger.arrive(large, sizeOf(SIZES, large), false);
  ledger.arrive(large, sizeOf(SIZES, large) + 1, true);
  ledger.arrive(1001, sizeOf(SIZES, 1001), true);
  assertEquals(ledger.account().changed, 3);
});

test("what was refused counts for nothing, and may not arrive", () => {
  const refused = [large];
  const without = account((all) => all.filter((n) => n !== large), { refused });
  assertEquals(judge(without, NOTHING), []);
  const ghost = account((numbers) => numbers, { refused });
  assertEquals(judge(ghost, NOTHING), ["1 refused and arrived"]);
});

test("a promise that is never settled is found", () => {
  const open = account((numbers) => numbers.slice(0, -1), { pending: 1 });
  assertEquals(judge(open, NOTHING), ["1 never settled"]);
});

test("what is told counts for the peer it is about, on the side that lost it", () => {
  const told = (reason: string, messages: number, peer: string, upTo = false) =>
    ({ reason, messages, peer, upTo, events: 1 }) as Told;
  const sender = [
    told("stream-failed", 1, "bob"),
    told("stream-failed", 2, "carol"),
    told("unconfirmed", 4, "bob", true),
    told("sender-refused", 8, "bob"),
  ];
  const receiver = [told("too-large", 16, "alice"), told("x", 32, "alice")];
  assertEquals(tellings(sender, receiver, "alice", "bob"), {
    exact: 1,
    upTo: 4,
    there: 16,
  });
});

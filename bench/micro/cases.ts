/**
 * What a message passes through on its way, piece by piece, without a network. Each case repeats its work so often that the clock
 * does not matter, and tells how often that is.
 */
import { channel } from "../../mod.ts";
import { MessageIterator } from "../../src/iterator.ts";
import { Inlet } from "../../src/inlet.ts";
import { Mailbox } from "../../src/mailbox.ts";
import {
  encodePublish,
  Kind,
  RecordReader,
  RequestWriter,
} from "../../src/native/codec.ts";
import { loadBinding } from "../../src/native/library.ts";

/** One benchmark. */
export interface Case {
  group: string;
  name: string;
  /** How often `run` does what it is named after. */
  times: number;
  run(): unknown;
}

const TIMES = 1000;
const SELF = "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo";
const OTHER = "12D3KooWEyopopk3YZ5UoyGzMGnwhKd1AJBwNmpAAnGAAX6rvJmo";
const NAME = `${SELF}::dm:${OTHER}-numbers`;

function repeat(work: (i: number) => unknown): () => unknown {
  return () => {
    let result;
    for (let i = 0; i < TIMES; i++) result = work(i);
    return result;
  };
}

async function boundary(): Promise<Case[]> {
  const binding = await loadBinding();
  const link = binding.open(binding.openFlags);
  const outlet = binding.outlet(link);
  const bytes = new Uint8Array(64);
  const slab = new Uint8Array(256 << 10);
  const cases: [string, () => unknown][] = [
    ["a call without arguments", () => binding.abi()],
    ["a call that takes the lock", () => binding.wait(link, outlet, 1)],
    ["a call with bytes", () => binding.channel(link, 1, bytes, 64)],
    ["a drain that finds nothing", () => binding.drain(link, slab, 65536, 0)],
  ];
  return cases.map(([name, work]) => ({
    group: "boundary",
    name,
    times: TIMES,
    run: repeat(work),
  }));
}

/** A drained slab with messages of 100 B. */
function drained(): Uint8Array {
  const slab = new Uint8Array(TIMES * 128);
  const words = new Uint32Array(slab.buffer);
  for (let i = 0; i < TIMES; i++) {
    words.set([Kind.MESSAGE, 100, 1, 0], i * 32);
  }
  return slab;
}

function codec(): Case[] {
  const slab = drained();
  const reader = new RecordReader();
  const writer = new RequestWriter();
  const payload = new Uint8Array(100);
  const read = (take: (start: number) => unknown) => () => {
    reader.begin(slab, slab.length);
    let last;
    while (reader.next()) last = take(reader.start);
    return last;
  };
  const group = "codec";
  const times = TIMES;
  return [
    { group, times, name: "reading a record", run: read((start) => start) },
    {
      ...{ group, times, name: "and giving 100 B a buffer of their own" },
      run: read((start) => slab.slice(start, start + 100)),
    },
    {
      ...{ group, times, name: "and giving a view of 100 B" },
      run: read((start) => slab.subarray(start, start + 100)),
    },
    {
      ...{ group, times, name: "writing a credit request" },
      run: repeat((i) => writer.writeCredit(1, i)),
    },
    {
      ...{ group, times, name: "writing a publish request of 100 B" },
      run: repeat(() => encodePublish("owner::ps:topic", payload)),
    },
  ];
}

function newMailbox(): Mailbox {
  return new Mailbox({
    overflow: "wait",
    maxChannels: 100,
    maxQueuePerChannel: 50,
    admits: () => true,
    credit: () => {},
    readable: () => {},
    dropped: () => {},
  });
}

function mailbox(): Case[] {
  const box = newMailbox();
  const inlet = new Inlet(box, 1, OTHER, "tcp");
  const data = new Uint8Array(100);
  const fill = () => {
    for (let i = 0; i < TIMES; i++) inlet.receive(NAME, data, i);
  };
  const messages = new MessageIterator(box);
  const group = "mailbox";
  const times = TIMES;
  return [
    {
      ...{ group, times, name: "filing a message and taking it by take()" },
      run: () => {
        fill();
        let last, next;
        while ((next = messages.take())) last = next;
        return last;
      },
    },
    {
      ...{ group, times, name: "filing a message and awaiting it by next()" },
      run: async () => {
        fill();
        let last;
        for (let i = 0; i < TIMES; i++) last = await messages.next();
        return last;
      },
    },
    {
      ...{ group, times, name: "filing a message and popping it" },
      run: () => {
        fill();
        let last;
        for (let i = 0; i < TIMES; i++) last = box.takeOneOfEach();
        return last;
      },
    },
    ...filters(),
  ];
}

/** Messages that come in turn on 100 channels, and the loops that take them. */
function filters(): Case[] {
  const group = "mailbox";
  const times = TIMES;
  const data = new Uint8Array(100);
  const names = Array.from({ length: 100 }, (_, i) => `${NAME}${i}`);
  const box = newMailbox();
  const popped = newMailbox();
  const readers = names.map((channel) => new MessageIterator(box, { channel }));
  const fill = (inlet: Inlet) => {
    for (let i = 0; i < TIMES; i++) inlet.receive(names[i % 100], data, i);
  };
  const filtered = new Inlet(box, 1, OTHER, "tcp");
  const plain = new Inlet(popped, 1, OTHER, "tcp");
  return [
    {
      ...{ group, times, name: "taking it by one of 100 filters" },
      run: () => {
        fill(filtered);
        let last;
        for (let i = 0; i < TIMES; i++) last = readers[i % 100].take();
        return last;
      },
    },
    {
      ...{ group, times, name: "popping it among 100 channels" },
      run: () => {
        fill(plain);
        let last;
        while (popped.length > 0) last = popped.takeOneOfEach();
        return last;
      },
    },
  ];
}

function channels(): Case[] {
  const group = "channel";
  const times = TIMES;
  return [
    {
      ...{ group, times, name: "parsing a direct channel" },
      run: repeat(() => channel.parse(NAME)),
    },
    {
      ...{ group, times, name: "building a topic" },
      run: repeat(() => channel.topic(SELF, "news")),
    },
  ];
}

/** All of them. */
export async function cases(): Promise<Case[]> {
  return [...await boundary(), ...codec(), ...mailbox(), ...channels()];
}

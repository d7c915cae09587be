// The events of a node over a fake library: what comes before the program could listen, and what is kept.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { Announcer } from "../../src/announcer.ts";
import { Op } from "../../src/native/codec.ts";
import { P2P, type P2PEventMap } from "../../mod.ts";
import { type FakeBinding, once, withFake } from "./fake_binding.ts";

const options = { identityDir: "./alice" };
const created = { node: 1, peerId: "self1", addresses: [], isPublic: null };
const reachability = { reachability: "public", isPublic: true };
const warning = { code: "port-mapping", message: "the router refuses" };
const quic = { type: "inlet", inlet: 9, peer: "bob", transport: "quic" };

/** Answers `CREATE` and, in the same drain, tells of much that happened to the node meanwhile. */
async function answer(fake: FakeBinding): Promise<void> {
  const { id } = await fake.request(Op.CREATE);
  fake.answer(id, created);
  fake.event(1, { type: "reachability", ...reachability });
  fake.event(1, { type: "warning", ...warning });
  fake.event(1, { type: "addresses", addresses: ["/ip4/127.0.0.1"] });
  fake.event(1, quic);
  fake.message(9, "a", new Uint8Array(1));
}

function listen(node: P2P): string[] {
  const types: (keyof P2PEventMap)[] = [
    "reachability",
    "warning",
    "addresses",
    "readable",
  ];
  const told: string[] = [];
  for (const type of types) node.addEventListener(type, () => told.push(type));
  return told;
}

for (
  const [how, create] of [
    ["awaits create()", () => P2P.create(options)],
    ["awaits a function of its own that does", async () => {
      const make = async () => await P2P.create(options);
      return await Promise.resolve(make().then((node) => node));
    }],
  ] as [string, () => Promise<P2P>][]
) {
  test(`what happens before create() resolves is told to a program that ${how}, in its order`, () =>
    withFake(async (fake) => {
      fake.manual.add(Op.CREATE);
      const made = create();
      await answer(fake);
      const node = await made;
      const told = listen(node);
      // The snapshots do not wait.
      assertEquals([node.isPublic, node.addresses], [true, ["/ip4/127.0.0.1"]]);
      await once(node, "readable");
      assertEquals(told, ["reachability", "warning", "addresses", "readable"]);
      await node.close();
    }));
}

test("readable does not tell of early messages that were taken meanwhile", () =>
  withFake(async (fake) => {
    fake.manual.add(Op.CREATE);
    const made = P2P.create(options);
    await answer(fake);
    const node = await made;
    const told = listen(node);
    await Promise.resolve();
    assertEquals(node.popMessages().length, 1);
    await new Promise((resolve) => setImmediate(resolve));
    assertEquals(told, ["reachability", "warning", "addresses"]);
    await node.close();
  }));

test("an event of a later turn waits for nothing, and goes behind the early ones", () => {
  const link = { turn: 1 };
  const target = new EventTarget();
  const told: string[] = [];
  for (const type of ["warning", "close"]) {
    target.addEventListener(type, () => told.push(type));
  }
  const announcer = new Announcer(target, link);
  announcer.tell("warning", warning);
  assertEquals(told, []);
  link.turn++;
  announcer.tell("close", {});
  assertEquals(told, ["warning", "close"]);
});

test("the last hundred warnings can be asked for, also of a closed node", () =>
  withFake(async (fake) => {
    const node = await P2P.create(options);
    assertEquals(node.warnings, []);
    for (let i = 0; i < 105; i++) {
      fake.event(1, { type: "warning", code: `${i}`, message: "again" });
    }
    await node.subscribeToTopic("a::ps:b");
    node.warnings[0].code = "changed by the program";
    await node.close();
    const codes = node.warnings.map(({ code }) => code);
    assertEquals([codes.length, codes[0], codes[99]], [100, "5", "104"]);
  }));

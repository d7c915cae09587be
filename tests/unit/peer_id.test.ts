// The spellings of peer ids, against vectors that go-libp2p made and reads.

import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { canonicalPeerId, isSamePeer } from "../../src/peer_id.ts";
import vectors from "../vectors/peer_ids.json" with { type: "json" };

for (const { id, spellings } of vectors) {
  test(`every spelling of ${id} is read as that peer`, () => {
    assertEquals(canonicalPeerId(id), id);
    for (const spelling of spellings) {
      assertEquals(canonicalPeerId(spelling), id, spelling);
      // Once more: the second time it is remembered.
      assertEquals(isSamePeer(spelling, id), true);
    }
  });
}

test("two peers are not the same in any spelling", () => {
  const [one, other] = vectors;
  for (const spelling of other.spellings) {
    assertEquals(isSamePeer(one.id, spelling), false);
    assertEquals(isSamePeer(one.spellings[0], spelling), false);
  }
});

test("a text that is no peer id is left as it is", () => {
  const [{ spellings }] = vectors;
  const base32 = spellings.find((text) => text.startsWith("b"))!;
  for (
    const text of [
      "",
      "b",
      "bob",
      "k",
      "self1",
      "Qm",
      "z".repeat(5000),
      base32.slice(0, -1),
      `${base32}aa`,
      `${base32}é`,
      // The letter K of another alphabet, which becomes the right one in lower case.
      base32.toUpperCase().replace("K", "\u212a"),
      // A CID of another codec: dag-pb.
      "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
    ]
  ) assertEquals(canonicalPeerId(text), text);
});

test("no more spellings are remembered than there is room for, and all are still read", () => {
  const { id, spellings } = vectors[0];
  const base32 = spellings.find((text) => text.startsWith("b"))!;
  // In either case, letter by letter: 4,096 spellings of one id.
  for (let bits = 0; bits < 4096; bits++) {
    const text = [...base32].map((letter, i) =>
      i > 0 && bits >> (i - 1) & 1 ? letter.toUpperCase() : letter
    ).join("");
    assertEquals(canonicalPeerId(text), id);
  }
});

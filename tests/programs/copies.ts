/**
 * Two copies of this module in one program, as two packages may bring them: `copies.ts same|other <copy's mod.ts> <folder>
 * <library>`. The other one speaks another ABI.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import * as original from "../../mod.ts";
import { LOCAL } from "../support/node.ts";
import { decode, encode, once, take } from "../support/wait.ts";

type Module = typeof original;

const [how, path, folder, library] = process.argv.slice(2);
const copy: Module = await import(pathToFileURL(path).href);
assert(copy.P2P !== original.P2P, "two copies");

let nodes = 0;
function create({ P2P }: Module): Promise<original.P2P> {
  const identityDir = join(folder, `node-${nodes++}`);
  return P2P.create({ ...LOCAL, identityDir });
}

/** Two nodes of two copies talk to each other, and each gets the errors of its calls. */
async function talk(one: original.P2P, other: original.P2P): Promise<void> {
  const connected = once(other, "peerconnect");
  await one.connectTo(other.addresses);
  assertEquals((await connected).detail.id, one.peerId);
  for (const [from, to] of [[one, other], [other, one]]) {
    const channel = `${from.peerId}::dm:${to.peerId}-test`;
    await from.sendMessageToPeer(channel, encode(`to ${to.peerId}`));
    const [message] = await take(to, 1);
    assertEquals(decode(message.data), `to ${to.peerId}`);
    assertEquals(message.from, from.peerId);
    const error = await assertRejects(() => from.getNodeAddresses("nobody"));
    for (const { P2PError } of [original, copy]) {
      assert(error instanceof P2PError);
      assertEquals(error.code, "PEER_INVALID");
    }
    assert(!(error instanceof RangeError));
  }
}

/** Both share the link that the first of them opens, whichever that is. */
async function share(): Promise<void> {
  const told: string[] = [];
  copy.P2P.setupLibrary({
    library,
    maxInstances: 2,
    logger: ({ message }) => told.push(message),
  });
  original.P2P.setupLibrary({ maxInstances: 1 });
  assertEquals(told, ["setupLibrary was called again or too late: ignored"]);
  for (const [first, second] of [[original, copy], [copy, original]]) {
    const one = await create(first);
    const other = await create(second);
    await talk(one, other);
    const limit = await assertRejects(() => create(second), first.P2PError);
    assertEquals(limit.code, "LIMIT");
    await one.close();
    await assertRejects(() => one.getNodeAddresses(), second.P2PError);
    assert((await other.getNodeAddresses()).length > 0);
    const third = await create(first);
    await talk(third, other);
    await third.close({ all: true });
    await other.closed;
  }
}

/** The one that came first goes on; the other says what is wrong. */
async function refuse(): Promise<void> {
  await using one = await create(original);
  const error = await assertRejects(() => create(copy), copy.P2PError);
  assertEquals([error.code, error.operation], ["LIBRARY_MISMATCH", "create"]);
  assert(error.message.includes("use one version throughout"), error.message);
  assert((await one.getNodeAddresses()).length > 0);
}

await (how === "same" ? share() : refuse());
console.log("done");

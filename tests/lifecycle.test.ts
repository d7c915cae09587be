/** Creating nodes, closing them, and what is left of a closed one. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { test } from "node:test";
import { P2P, P2PError } from "../mod.ts";
import {
  connect,
  createNode,
  directChannel,
  LOCAL,
  withFolder,
} from "./support/node.ts";
import { findFreePorts } from "./support/ports.ts";
import { decode, encode, once, take } from "./support/wait.ts";

test("create() resolves with a node that listens and knows who it is", async () => {
  await using node = await createNode();
  assertMatch(node.peerId!, /^12D3KooW\w+$/);
  assert(node.addresses.length > 0);
  for (const address of node.addresses) {
    assert(address.startsWith("/ip4/127.0.0.1/"), address);
    assert(address.endsWith(`/p2p/${node.peerId}`), address);
  }
});

test("create() does not wait for the verdict on reachability", async () => {
  await using node = await createNode();
  assertEquals(node.isPublic, null);
  assertEquals(node.getReachability(), false);
});

test("close() resolves to a confirmation, and to the same one again", async () => {
  const node = await createNode();
  const confirmation = await node.close();
  assert(confirmation.length > 0);
  assertEquals(await node.close(), confirmation);
});

test("two calls of close() at once close the node once", async () => {
  const node = await createNode();
  let events = 0;
  node.addEventListener("close", () => events++);
  await Promise.all([node.close(), node.close()]);
  assertEquals(events, 1);
});

test("await using closes the node at the end of the block", async () => {
  let node: P2P;
  {
    await using inner = await createNode();
    node = inner;
  }
  assertEquals(node.peerId, null);
  await node.closed;
});

test("closed resolves when the node has been closed", async () => {
  const node = await createNode();
  let closed = false;
  const promise = node.closed.then(() => closed = true);
  assertEquals(closed, false);
  await node.close();
  await promise;
});

test("close(true) closes every node of this isolate", async () => {
  const nodes = await Promise.all([createNode(), createNode(), createNode()]);
  await nodes[0].close(true);
  for (const node of nodes) assertEquals(node.peerId, null);
});

test("the ports of a closed node can be listened on at once", async () => {
  const port = await findFreePorts();
  for (let round = 0; round < 3; round++) {
    await using node = await createNode({ port });
    assert(node.addresses.some((own) => own.includes(`/tcp/${port}/`)));
  }
});

test("the snapshots of a closed node are empty", async () => {
  await using other = await createNode();
  const node = await createNode();
  await connect(node, other);
  await node.close();
  assertEquals(node.peerId, null);
  assertEquals(node.addresses, []);
  assertEquals(node.getConnectedPeersInfo(), []);
  assertEquals(node.getTopicPeers(), []);
  assertEquals(node.getMessageQueueLength(), 0);
});

test("calls on a closed node fail with the code CLOSED", async () => {
  await using other = await createNode();
  const node = await createNode();
  const channel = directChannel(node, other);
  await node.close();
  const calls: Record<string, () => Promise<unknown>> = {
    connectTo: () => node.connectTo(other.addresses),
    disconnectFrom: () => node.disconnectFrom(other.peerId!),
    sendMessageToPeer: () => node.sendMessageToPeer(channel, encode("x")),
    broadcastMessage: () => node.broadcastMessage("x::ps:y", encode("x")),
    subscribeToTopic: () => node.subscribeToTopic("x::ps:y"),
    unsubscribeFromTopic: () => node.unsubscribeFromTopic("x::ps:y"),
    getNodeAddresses: () => node.getNodeAddresses(),
  };
  for (const [operation, call] of Object.entries(calls)) {
    const error = await assertRejects(call, P2PError);
    assertEquals([error.code, error.operation], ["CLOSED", operation]);
  }
  const error = assertThrows(() => node.popMessages(), P2PError);
  assertEquals(error.code, "CLOSED");
});

test("a closed node never reaches a newer one", async () => {
  const old = await createNode();
  await old.close();
  await using newer = await createNode();
  await using peer = await createNode();
  await old.close();
  await assertRejects(() => old.connectTo(peer.addresses), P2PError);
  assertEquals(newer.getConnectedPeersInfo(), []);
  await connect(newer, peer);
  await newer.sendMessageToPeer(directChannel(newer, peer), encode("alive"));
  const [message] = await take(peer, 1);
  assertEquals(decode(message.data), "alive");
});

test("a peer notices that a node was closed", async () => {
  await using staying = await createNode();
  const leaving = await createNode();
  const id = leaving.peerId!;
  await connect(leaving, staying);
  const noticed = once(staying, "peerdisconnect");
  await leaving.close();
  assertEquals((await noticed).detail.id, id);
  assertEquals(staying.getConnectedPeersInfo(), []);
});

test("a create() that is aborted leaves its identity free", async () => {
  await withFolder(async (identityDir) => {
    const reason = new Error("changed my mind");
    const controller = new AbortController();
    const creating = P2P.create({ ...LOCAL, identityDir }, {
      signal: controller.signal,
    });
    controller.abort(reason);
    assertEquals(await creating.catch((error) => error), reason);
    await using node = await createOnceFree(identityDir);
    assert(node.peerId);
  });
});

test("many nodes live in one isolate and talk to each other", async () => {
  await using hub = await createNode();
  const others = await Promise.all(
    Array.from({ length: 8 }, () => createNode()),
  );
  try {
    await Promise.all(others.map(async (node, index) => {
      await node.connectTo(hub.addresses);
      const channel = directChannel(node, hub);
      await node.sendMessageToPeer(channel, encode(`${index}`));
    }));
    const messages = await take(hub, others.length);
    assertEquals(
      messages.map(({ from, data }) => [from, decode(data)]).sort(),
      others.map((node, index) => [node.peerId, `${index}`]).sort(),
    );
  } finally {
    await Promise.all(others.map((node) => node.close()));
  }
});

/** Creates a node in a folder that an aborted create() may be about to let go. */
async function createOnceFree(identityDir: string): Promise<P2P> {
  const signal = AbortSignal.timeout(10_000);
  for (;;) {
    try {
      return await createNode({ identityDir });
    } catch (error) {
      const inUse = error instanceof P2PError &&
        error.code === "IDENTITY_IN_USE";
      if (!inUse || signal.aborted) throw error;
    }
  }
}

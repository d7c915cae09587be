// The class, its errors and its properties.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type P2P, P2PError } from "../../mod.ts";
import { createNode } from "../support/node.ts";
import { runProgram } from "../support/program.ts";
import { row, withNode } from "./row.ts";

row(
  "P2PError",
  "failures of the network are errors of one class",
  () =>
    withNode({}, async (node) => {
      const failure = () => node.connectTo(["/ip4/127.0.0.1/tcp/1"]);
      assert(await assertRejects(failure) instanceof P2PError);
    }),
);

row(
  "P2P",
  "a node listens as soon as it is made",
  () =>
    withNode({}, async (alice) => {
      await using bob = await createNode();
      await bob.connectTo(alice.addresses);
    }),
);

row(
  "libp2p",
  "the library is loaded with the first node, and once for all",
  async () => {
    const { code, stdout } = await runProgram("loading.ts");
    assertEquals(code, 0);
    assertEquals(JSON.parse(stdout), {
      before: { loaded: false },
      with: { loaded: true, nodes: 2, links: 1 },
    });
  },
);

row("with", "a node is closed at the end of its block", async () => {
  let left: P2P;
  {
    await using node = await createNode();
    left = node;
  }
  assertEquals(left.peerId, null);
});

row(
  "peer_id",
  "null once the node is closed",
  () =>
    withNode({}, async (node) => {
      assert(node.peerId!.startsWith("12D3KooW"));
      await node.close();
      assertEquals(node.peerId, null);
    }),
);

row(
  "addresses",
  "each ends in the peer id; none once the node is closed",
  () =>
    withNode({}, async (node) => {
      const end = `/p2p/${node.peerId}`;
      assert(node.addresses.length > 0);
      assert(node.addresses.every((address) => address.endsWith(end)));
      await node.close();
      assertEquals(node.addresses, []);
    }),
);

row(
  "is_public",
  "null until it is known",
  () => withNode({}, (node) => assertEquals(node.isPublic, null)),
);

row("relay_is_enabled", "the service implies the client", async () => {
  for (
    const [enableRelayClient, enableRelayService] of [
      [false, false],
      [true, false],
      [false, true],
    ]
  ) {
    await withNode({ enableRelayClient, enableRelayService }, (node) => {
      const either = enableRelayClient || enableRelayService;
      assertEquals(node.relayIsEnabled, either);
    });
  }
});

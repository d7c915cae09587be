// What a node is asked to do, and what it is asked for.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { channel } from "../../mod.ts";
import { withCircuit } from "../support/circuit.ts";
import { createNode, directChannel } from "../support/node.ts";
import { decode, encode, once, take, until } from "../support/wait.ts";
import { exchangeOnTopic, row, topicOf, withNode, withPair } from "./row.ts";

row(
  "connect_to",
  "gives the peer and the address that was reached",
  () =>
    withNode({}, async (alice) => {
      await using bob = await createNode();
      const { id, addrs } = await alice.connectTo(bob.addresses);
      assertEquals([id, addrs.length], [bob.peerId, 1]);
      await assertRejects(() => alice.connectTo([]), RangeError);
    }),
);

row(
  "disconnect_from",
  "the connection is gone, and again is no error",
  () =>
    withPair(async (alice, bob) => {
      const gone = once(bob, "peerdisconnect");
      await alice.disconnectFrom(bob.peerId!);
      await gone;
      assertEquals(bob.getConnectedPeersInfo(), []);
      await alice.disconnectFrom(bob.peerId!);
      await assertRejects(() => alice.disconnectFrom(""), RangeError);
    }),
);

row(
  "send_message_to_peer",
  "the message arrives, and no other channel will do",
  () =>
    withPair(async (alice, bob) => {
      const name = channel.direct(alice.peerId!, bob.peerId!, "misc");
      await alice.sendMessageToPeer(name, encode("hello"));
      assertEquals(decode((await take(bob, 1))[0].data), "hello");
      const wrong = () => alice.sendMessageToPeer("a::ps:b", encode("x"));
      await assertRejects(wrong, RangeError);
      const empty = () => alice.sendMessageToPeer(name, new Uint8Array(0));
      await assertRejects(empty, RangeError);
    }),
);

row(
  "broadcast_message",
  "subscribers get it, and no other channel will do",
  () =>
    withPair(async (alice, bob) => {
      await exchangeOnTopic(alice, bob);
      const wrong = () => alice.broadcastMessage("a::dm:b-c", encode("x"));
      await assertRejects(wrong, RangeError);
    }),
);

row(
  "pop_messages",
  "one message of each channel, none when there are none",
  () =>
    withPair(async (alice, bob) => {
      assertEquals(bob.popMessages(), []);
      for (const suffix of ["a", "a", "b"]) {
        await alice.sendMessageToPeer(
          directChannel(alice, bob, suffix),
          encode(suffix),
        );
      }
      await until(() => bob.getMessageQueueLength() === 3, "all are there");
      const popped = () => bob.popMessages().map(({ data }) => decode(data));
      assertEquals([popped().sort(), popped(), popped()], [
        ["a", "b"],
        ["a"],
        [],
      ]);
    }),
);

row(
  "subscribe_to_topic",
  "twice is no error",
  () =>
    withPair(async (alice, bob) => {
      await exchangeOnTopic(alice, bob);
      await bob.subscribeToTopic(topicOf(alice));
    }),
);

row(
  "unsubscribe_from_topic",
  "nothing comes any more, and again is no error",
  () =>
    withPair(async (alice, bob) => {
      await exchangeOnTopic(alice, bob);
      const topic = topicOf(alice);
      await bob.unsubscribeFromTopic(topic);
      await bob.unsubscribeFromTopic(topic);
      await until(
        () => !alice.getTopicPeers(topic).includes(bob.peerId!),
        "the other side knows",
      );
    }),
);

row(
  "reserve_on_relay",
  "gives the expiry in UTC",
  () =>
    withCircuit({}, {}, async ({ relay, bob }) => {
      const expires = await bob.reserveOnRelay(relay.peerId!);
      assert(expires.endsWith("Z") && Date.parse(expires) > Date.now());
      await assertRejects(() => bob.reserveOnRelay(""), RangeError);
    }),
);

row(
  "get_node_addresses",
  "one's own, or those known of a peer",
  () =>
    withPair(async (alice, bob) => {
      assertEquals(await alice.getNodeAddresses(), alice.addresses);
      const known = await alice.getNodeAddresses(bob.peerId!);
      assert(known.every((address) => address.endsWith(`/p2p/${bob.peerId}`)));
    }),
);

row(
  "get_connected_peers_info",
  "one record a peer; none once the node is closed",
  () =>
    withPair(async (alice, bob) => {
      const [peer] = alice.getConnectedPeersInfo();
      assertEquals(
        [peer.id, peer.direction, peer.misc, peer.relayed],
        [bob.peerId, "outbound", 0, false],
      );
      await alice.close();
      assertEquals(alice.getConnectedPeersInfo(), []);
    }),
);

row(
  "get_rendezvous_peers_info",
  "null when nothing came yet, then what was announced last",
  () =>
    withPair(async (world, node) => {
      assertEquals(node.getRendezvousPeersInfo(), null);
      const topic = channel.topic(world.peerId!, "rv");
      await node.subscribeToTopic(topic);
      await world.subscribeToTopic(topic);
      await until(
        () => world.getTopicPeers(topic).includes(node.peerId!),
        "the world knows of its follower",
      );
      const announced = once(node, "rendezvous");
      const roster = { peers: [], updateCount: 1 };
      await world.publishRendezvous(topic, roster);
      await announced;
      assertEquals(node.getRendezvousPeersInfo(), roster);
    }),
);

row(
  "get_message_queue_length",
  "how many messages wait; none once the node is closed",
  () =>
    withPair(async (alice, bob) => {
      assertEquals(bob.getMessageQueueLength(), 0);
      await alice.sendMessageToPeer(directChannel(alice, bob), encode("one"));
      await until(() => bob.getMessageQueueLength() === 1, "one waits");
      await bob.close();
      assertEquals(bob.getMessageQueueLength(), 0);
    }),
);

row(
  "get_topic_peers",
  "who else is in the topics that were joined",
  () =>
    withPair(async (alice, bob) => {
      assertEquals(alice.getTopicPeers(), []);
      await exchangeOnTopic(alice, bob);
      assertEquals(alice.getTopicPeers(), [bob.peerId]);
    }),
);

row(
  "get_reachability",
  "false while it is not known",
  async () => {
    for (const knowsIsPublic of [false, true]) {
      await withNode({ knowsIsPublic }, (node) => {
        assertEquals(node.getReachability(), knowsIsPublic);
      });
    }
  },
);

row("close", "a confirmation; twice is no error; all at once", async () => {
  const [first, second] = [await createNode(), await createNode()];
  assert((await first.close()).includes("closed"));
  await first.close();
  await second.close(true);
  assertEquals(second.peerId, null);
});

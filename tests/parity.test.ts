/**
 * Every row of the API document of the Python class `P2P`, by its Python name: what it does there is done here by the name that
 * docs/python-parity.md has for it. The other tests go deeper; these say that nothing is missing.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { channel, type P2P, P2PError, type P2POptions } from "../mod.ts";
import { checkOptions } from "../src/options.ts";
import { checkSettings } from "../src/settings.ts";
import { withCircuit } from "./support/circuit.ts";
import {
  connect,
  createNode,
  directChannel,
  withFolder,
} from "./support/node.ts";
import { findFreePorts } from "./support/ports.ts";
import { runProgram } from "./support/program.ts";
import { decode, encode, once, take, until } from "./support/wait.ts";

const page = readFileSync(
  new URL("../docs/python-parity.md", import.meta.url),
  "utf8",
);
const rows = new Set<string>();

/** A row of the document: its Python name, what is shown of it, and how. */
function row(name: string, what: string, fn: () => void | Promise<void>): void {
  rows.add(name);
  test(`${name}: ${what}`, async () => {
    assert(
      page.includes(`\`${name}\``),
      `docs/python-parity.md has no ${name}`,
    );
    await fn();
  });
}

/** Makes a node with an option, looks at it, and closes it. */
async function withNode(
  options: Partial<P2POptions>,
  fn: (node: P2P) => unknown = () => {},
): Promise<void> {
  await using node = await createNode(options);
  await fn(node);
}

async function withPair(
  fn: (alice: P2P, bob: P2P) => Promise<void>,
): Promise<void> {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await fn(alice, bob);
}

row(
  "P2PError",
  "failures of the network are errors of one class",
  () =>
    withNode({}, async (node) => {
      const failure = () => node.connectTo(["/ip4/127.0.0.1/tcp/1"]);
      assert(await assertRejects(failure) instanceof P2PError);
    }),
);

row("P2P", "a node is made with its options", () => withNode({}));

row(
  "identity_dir",
  "the key is kept, and the peer id with it",
  () =>
    withFolder(async (identityDir) => {
      const ids: (string | null)[] = [];
      for (let i = 0; i < 2; i++) {
        await withNode({ identityDir }, ({ peerId }) => ids.push(peerId));
      }
      assertEquals(ids[0], ids[1]);
      assert(existsSync(join(identityDir, "identity.key")));
    }),
);

row("port", "TCP is on it, and QUIC on the next", async () => {
  const port = await findFreePorts();
  await withNode({ port }, ({ addresses }) => {
    assert(addresses.some((addr) => addr.includes(`/tcp/${port}/p2p`)));
    assert(addresses.some((addr) => addr.includes(`/udp/${port + 1}/quic`)));
  });
});

row(
  "ips",
  "each address is listened on",
  () =>
    withNode({ ips: ["127.0.0.1", "::1"] }, ({ addresses }) => {
      for (const ip of ["/ip4/127.0.0.1/", "/ip6/::1/"]) {
        assert(addresses.some((addr) => addr.startsWith(ip)), ip);
      }
    }),
);

row(
  "enable_relay_client",
  "without it there is no relay",
  () =>
    withNode({ enableRelayClient: false }, (node) => {
      assertEquals(node.relayIsEnabled, false);
    }),
);

row(
  "enable_relay_service",
  "others get a reservation",
  () =>
    withCircuit(
      {},
      {},
      ({ through }) => Promise.resolve(assert(through.length > 0)),
    ),
);

row(
  "use_broad_limits",
  "more than 128 KiB pass through a circuit",
  () =>
    withCircuit(
      { useBroadLimits: true },
      {},
      async ({ alice, bob, through }) => {
        await alice.connectTo(through);
        const large = new Uint8Array(200_000);
        await alice.sendMessageToPeer(directChannel(alice, bob), large);
        await take(bob, 1);
      },
    ),
);

row("is_isolated", "nodes of this network stay connected", async () => {
  await using alice = await createNode({ isIsolated: true });
  await using bob = await createNode();
  await connect(bob, alice);
  await bob.sendMessageToPeer(directChannel(bob, alice), encode("stay"));
  await take(alice, 1);
});

row(
  "knows_is_public",
  "the node counts as public at once",
  () =>
    withNode({ knowsIsPublic: true }, (node) => {
      assertEquals(node.isPublic, true);
    }),
);

row(
  "enable_tls",
  "addresses without a certificate are not shown",
  () =>
    withNode({ enableTls: true }, ({ addresses }) => {
      assertEquals(addresses.filter((addr) => addr.includes("/ws")), []);
    }),
);

for (const name of ["domain_name", "tls_cert_path", "tls_key_path"]) {
  row(name, "the three come together or not at all", async () => {
    const option = name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
    await assertRejects(() => createNode({ [option]: "x" }), TypeError);
  });
}

row(
  "dht_enabled",
  "a node without bootstrap peers starts with it",
  () => withNode({ dhtEnabled: true }),
);

row(
  "dht_keep",
  "it stays in the DHT",
  () => withNode({ dhtEnabled: true, dhtKeep: true }),
);

row(
  "webrtc_enabled",
  "off, nobody offers a WebRTC connection",
  () =>
    withNode({ webrtcEnabled: false }, (node) => {
      assertEquals(node.getWebrtcConnections(), []);
    }),
);

row("flood_sub", "topics work with the other router", async () => {
  await using alice = await createNode({ floodSub: true });
  await using bob = await createNode({ floodSub: true });
  await connect(alice, bob);
  await exchangeOnTopic(alice, bob);
});

row("ice_stun_servers", "a list of URIs, none by default", () => {
  const given = { identityDir: "x", iceStunServers: ["stun:192.0.2.1:3478"] };
  assertEquals(checkOptions(given).iceStunServers, given.iceStunServers);
  assertEquals(checkOptions({ identityDir: "x" }).iceStunServers, []);
});

row("ice_turn_servers", "a list of servers with their credentials", () => {
  const server = { urls: ["turn:192.0.2.1"], username: "a", credential: "b" };
  const given = { identityDir: "x", iceTurnServers: [server] };
  assertEquals(checkOptions(given).iceTurnServers, [server]);
});

row(
  "log_sub",
  "a label that the node keeps",
  () =>
    withNode({ logSub: "mine" }, ({ logSub }) => assertEquals(logSub, "mine")),
);

row(
  "libp2p",
  "the library is loaded once, with the first node",
  () => withNode({}, () => withNode({})),
);

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

row(
  "relay_is_enabled",
  "the service implies the client",
  () =>
    withNode({ enableRelayClient: false, enableRelayService: true }, (node) => {
      assertEquals(node.relayIsEnabled, true);
    }),
);

row("setup_library", "a second call is ignored with a warning", async () => {
  const { stdout } = await withFolder((folder) =>
    runProgram("logger.ts", { args: [folder] })
  );
  const { records } = JSON.parse(stdout);
  assert(/ignored/.test(records.at(-1).message));
});

row("max_instances", "32 by default", () => {
  assertEquals(checkSettings({}).maxInstances, 32);
});

row("max_channels", "100 by default", () => {
  assertEquals(checkSettings({}).maxChannels, 100);
});

row("max_queue_per_channel", "50 by default", () => {
  assertEquals(checkSettings({}).maxQueuePerChannel, 50);
});

row("max_message_size", "50 MiB by default, 2^31-1 at most", () => {
  assertEquals(checkSettings({}).maxMessageSize, 52428800);
  assertThrows(() => checkSettings({ maxMessageSize: 2 ** 31 }), RangeError);
});

row("enable_logging", "off by default, a level otherwise", () => {
  assertEquals(checkSettings({}).logLevel, "off");
  assertEquals(checkSettings({ logLevel: "info" }).logLevel, "info");
});

row("unai_logger", "a function that is given each record", () => {
  const logger = () => {};
  assertEquals(checkSettings({ logger }).logger, logger);
});

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
  "get_webrtc_connections",
  "one record a peer, with its state",
  () =>
    withCircuit(
      {},
      { webrtcEnabled: true, webrtcWait: 0 },
      async ({ alice, bob, through }) => {
        await alice.connectTo(through);
        const wanted = [{ peerId: bob.peerId!, state: "open" as const }];
        await until(
          () => alice.getWebrtcConnections()[0]?.state === "open",
          "a connection is open",
        );
        assertEquals(alice.getWebrtcConnections(), wanted);
      },
    ),
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
  "null when nothing came yet",
  () =>
    withNode({}, (node) => assertEquals(node.getRendezvousPeersInfo(), null)),
);

row(
  "get_message_queue_length",
  "how many messages wait",
  () =>
    withPair(async (alice, bob) => {
      assertEquals(bob.getMessageQueueLength(), 0);
      await alice.sendMessageToPeer(directChannel(alice, bob), encode("one"));
      await until(() => bob.getMessageQueueLength() === 1, "one waits");
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
  () => withNode({}, (node) => assertEquals(node.getReachability(), false)),
);

row(
  "set_ice_config",
  "servers are replaced, kept or taken away",
  () =>
    withNode({}, async (node) => {
      await node.setIceConfig({ stunServers: ["stun:127.0.0.1:9"] });
      await node.setIceConfig({ stunServers: [], turnServers: null });
      const wrong = { stunServers: "stun:127.0.0.1" as unknown as string[] };
      await assertRejects(() => node.setIceConfig(wrong), TypeError);
    }),
);

row(
  "set_turn_credentials",
  "TURN servers alone are replaced",
  () =>
    withNode({}, async (node) => {
      await node.setTurnCredentials([{ urls: "turn:127.0.0.1:9" }]);
    }),
);

row("close", "a confirmation; twice is no error; all at once", async () => {
  const [first, second] = [await createNode(), await createNode()];
  assert((await first.close()).includes("closed"));
  await first.close();
  await second.close(true);
  assertEquals(second.peerId, null);
});

row("with", "a node is closed at the end of its block", async () => {
  let left: P2P;
  {
    await using node = await createNode();
    left = node;
  }
  assertEquals(left.peerId, null);
});

test("docs/python-parity.md has no row without a test", () => {
  const names = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  assertEquals(names.sort(), [...rows].sort());
});

function topicOf(owner: P2P): string {
  return channel.topic(owner.peerId!, "test");
}

/** Subscribes both to a topic of the first, and lets each hear the other. */
async function exchangeOnTopic(alice: P2P, bob: P2P): Promise<void> {
  const topic = topicOf(alice);
  await alice.subscribeToTopic(topic);
  await bob.subscribeToTopic(topic);
  await until(
    () =>
      alice.getTopicPeers(topic).includes(bob.peerId!) &&
      bob.getTopicPeers(topic).includes(alice.peerId!),
    "both know of each other",
  );
  await alice.broadcastMessage(topic, encode("to Bob"));
  assertEquals(decode((await take(bob, 1))[0].data), "to Bob");
  await bob.broadcastMessage(topic, encode("to Alice"));
  assertEquals(decode((await take(alice, 1))[0].data), "to Alice");
}

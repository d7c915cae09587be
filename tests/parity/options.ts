// The options of a node. What only others can see of one is looked at by a stranger.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { existsSync } from "node:fs";
import { P2PError, type P2POptions } from "../../mod.ts";
import { DOMAIN, put, subjectAt, withFiles } from "../support/certificates.ts";
import { withCircuit } from "../support/circuit.ts";
import {
  connect,
  createNode,
  directChannel,
  withFolder,
} from "../support/node.ts";
import { findFreePorts } from "../support/ports.ts";
import { Stranger } from "../support/stranger/stranger.ts";
import { before, take, until } from "../support/wait.ts";
import { exchangeOnTopic, row, withNode } from "./row.ts";

const KAD = "/ipfs/kad/1.0.0";

/** The protocols that others see of a node. */
async function protocolsOf(options: Partial<P2POptions>): Promise<string[]> {
  await using node = await createNode(options);
  await using stranger = await Stranger.dial(node.addresses);
  return (await stranger.identify()).protocols;
}

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

row("enable_relay_client", "without it there are no circuits", async () => {
  const stop = "/libp2p/circuit/relay/0.2.0/stop";
  assert((await protocolsOf({})).includes(stop));
  const enableRelayClient = false;
  assert(!(await protocolsOf({ enableRelayClient })).includes(stop));
  await withCircuit({}, {}, async ({ through }) => {
    await using node = await createNode({ enableRelayClient });
    assertEquals(node.relayIsEnabled, false);
    await assertRejects(() => node.connectTo(through));
    await using other = await createNode();
    await other.connectTo(through);
  });
});

row("enable_relay_service", "others get a reservation", async () => {
  await withCircuit({}, {}, ({ through }) => {
    assert(through.length > 0);
    return Promise.resolve();
  });
  await using relay = await createNode({ knowsIsPublic: true });
  await using node = await createNode();
  await connect(node, relay);
  await assertRejects(() => node.reserveOnRelay(relay.peerId!));
});

row("use_broad_limits", "more than 128 KiB pass a circuit", async () => {
  const send = (useBroadLimits: boolean) =>
    withCircuit({ useBroadLimits }, {}, async ({ alice, bob, through }) => {
      await alice.connectTo(through);
      const large = new Uint8Array(200_000);
      await alice.sendMessageToPeer(directChannel(alice, bob), large);
      await take(bob, 1);
    });
  await send(true);
  const error = await assertRejects(() => send(false), P2PError);
  assertEquals(error.code, "RELAY_LIMIT");
});

row("is_isolated", "peers of other networks are disconnected", async () => {
  await using isolated = await createNode({ isIsolated: true });
  await using open = await createNode();
  await using friend = await createNode();
  await connect(friend, isolated);
  await using unwanted = await Stranger.dial(isolated.addresses);
  await using welcome = await Stranger.dial(open.addresses);
  // A peer that is starting has 40 s to show what it speaks.
  await before(55_000, unwanted.closed, "the stranger is disconnected");
  const connected = () => isolated.getConnectedPeersInfo().map(({ id }) => id);
  await until(() => connected().length === 1, "the node knows that it is gone");
  assertEquals(connected(), [friend.peerId]);
  await welcome.identify();
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

for (
  const [name, what] of [
    ["domain_name", "the node is told of by it"],
    ["tls_cert_path", "the certificate there is shown"],
    ["tls_key_path", "the certificate is shown with the key there"],
  ]
) {
  row(name, `${what}, and the three come together`, async () => {
    const option = name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
    await assertRejects(() => createNode({ [option]: "x" }), TypeError);
    await withFiles(async (files) => {
      put(files, "first");
      const port = await findFreePorts();
      const options = { port, domainName: DOMAIN, ...files };
      await withNode(options, async ({ addresses }) => {
        const named = `/dns4/${DOMAIN}/tcp/${port}/tls/ws/`;
        assert(addresses.some((address) => address.startsWith(named)));
        assertEquals(await subjectAt(port), "first");
      });
    });
  });
}

row("dht_enabled", "a peer that serves the DHT is asked", async () => {
  await using without = await createNode();
  await using node = await createNode({ dhtEnabled: true });
  await using unasked = await Stranger.dial(without.addresses, [KAD]);
  await using asked = await Stranger.dial(node.addresses, [KAD]);
  await until(() => asked.used.has(KAD), "the stranger is asked");
  assert(!unasked.used.has(KAD));
});

row("dht_keep", "peers are asked once the node is public, too", async () => {
  const options = { dhtEnabled: true, knowsIsPublic: true };
  await using kept = await createNode({ ...options, dhtKeep: true });
  await using dropped = await createNode(options);
  /** Whether the one that drops the DHT asks, by when the other has done so. */
  const asks = async () => {
    await using unasked = await Stranger.dial(dropped.addresses, [KAD]);
    await using asked = await Stranger.dial(kept.addresses, [KAD]);
    await until(() => asked.used.has(KAD), "the stranger is asked");
    return unasked.used.has(KAD);
  };
  await until(async () => !await asks(), "the DHT is dropped");
  for (let i = 0; i < 5; i++) assertEquals(await asks(), false);
});

row("webrtc_enabled", "off, nobody can offer a connection", async () => {
  const signal = "/unaiverse/webrtc-signal/1.0.0";
  assert((await protocolsOf({})).includes(signal));
  assert(!(await protocolsOf({ webrtcEnabled: false })).includes(signal));
});

row("flood_sub", "topics work with the other router alone", async () => {
  const routers = (protocols: string[]) =>
    protocols.filter((protocol) => /(mesh|flood)sub/.test(protocol));
  const flood = ["/floodsub/1.0.0"];
  assertEquals(routers(await protocolsOf({ floodSub: true })), flood);
  assert(routers(await protocolsOf({})).includes("/meshsub/1.1.0"));
  await using alice = await createNode({ floodSub: true });
  await using bob = await createNode({ floodSub: true });
  await connect(alice, bob);
  await exchangeOnTopic(alice, bob);
});

row(
  "log_sub",
  "a label that the node keeps",
  () =>
    withNode({ logSub: "mine" }, ({ logSub }) => assertEquals(logSub, "mine")),
);

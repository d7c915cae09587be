/** Failures: their classes and codes, and what an abort or a timeout does. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { test } from "node:test";
import { P2P, P2PError } from "../mod.ts";
import {
  connect,
  createNode,
  directChannel,
  makeFolder,
  removeFolder,
} from "./support/node.ts";
import { findFreePorts, occupyTcp } from "./support/ports.ts";
import { decode, encode, once, take } from "./support/wait.ts";

const NOBODY = "12D3KooWEXse6zf6g6rsFckJqXA6SWWrENNB3oN8tG5qPEPWV5do";

test("an address where nobody listens is DIAL_FAILED, with its reason", async () => {
  await using alice = await createNode();
  const bob = await createNode();
  const { addresses, peerId } = bob;
  await bob.close();
  const error = await assertRejects(() => alice.connectTo(addresses), P2PError);
  assertEquals(
    [error.name, error.code, error.operation, error.peerId],
    ["P2PError", "DIAL_FAILED", "connectTo", peerId],
  );
  assertStringIncludes(error.message, "127.0.0.1");
});

test("another peer than the one that was named is DIAL_FAILED", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  const wrong = bob.addresses[0].replace(bob.peerId!, NOBODY);
  const error = await assertRejects(() => alice.connectTo([wrong]), P2PError);
  assertEquals(error.code, "DIAL_FAILED");
  assertEquals(alice.getConnectedPeersInfo(), []);
});

test("addresses that cannot be used are ADDRESS_INVALID", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  const [good] = bob.addresses;
  const wrong = [
    ["hello"],
    ["/ip4/127.0.0.1/tcp/4001"],
    ["/ip4/127.0.0.300/tcp/1/p2p/" + NOBODY],
    [good, good.replace(bob.peerId!, NOBODY)],
  ];
  for (const addresses of wrong) {
    const error = await assertRejects(
      () => alice.connectTo(addresses),
      P2PError,
    );
    assertEquals(error.code, "ADDRESS_INVALID", addresses.join());
  }
  await assertRejects(() => alice.connectTo([]), RangeError);
  await assertRejects(() => alice.connectTo(good as never), TypeError);
  await assertRejects(() => alice.connectTo([1 as never]), TypeError);
});

test("connecting to oneself is PEER_SELF", async () => {
  await using node = await createNode();
  const error = await assertRejects(
    () => node.connectTo(node.addresses),
    P2PError,
  );
  assertEquals([error.code, error.peerId], ["PEER_SELF", node.peerId]);
});

test("a name that DNS does not know is DIAL_FAILED, whatever else is known", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  await alice.disconnectFrom(bob.peerId!);
  // DNS is not even asked for a name with an empty label.
  for (const address of ["/dns4/no..name/tcp/1", "/dnsaddr/no..name"]) {
    const error = await assertRejects(
      () => alice.connectTo([`${address}/p2p/${bob.peerId}`]),
      P2PError,
    );
    assertEquals(error.code, "DIAL_FAILED");
    assertStringIncludes(error.message, "DNS cannot resolve the name");
    assertStringIncludes(error.message, "no..name");
  }
});

test("one address is dialled, whatever libp2p prefers and what else is known", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  for (const transport of ["ws", "webtransport", "tcp", "quic-v1"]) {
    await alice.disconnectFrom(bob.peerId!);
    const wanted = bob.addresses.find((own) =>
      own.split(/\/certhash|\/p2p\//)[0].endsWith(transport) ||
      transport === "tcp" && /\/tcp\/\d+\/p2p\//.test(own)
    )!;
    const { addrs: [reached] } = await alice.connectTo([wanted]);
    assertStringIncludes(`${reached}/`, `/${transport}/`);
    assertEquals(reached.includes("/ws"), transport === "ws");
  }
});

test("a send and connectTo() say the same of a peer that is gone, and reach it when it is back", async () => {
  await using alice = await createNode({ transports: ["tcp"] });
  const port = await findFreePorts();
  const identityDir = makeFolder();
  const options = { transports: ["tcp" as const], port, identityDir };
  const bob = await createNode(options);
  const [address] = bob.addresses;
  const { peerId } = bob;
  await connect(alice, bob);
  const name = directChannel(alice, bob);
  const gone = once(alice, "peerdisconnect");
  await bob.close();
  await gone;
  for (let i = 0; i < 3; i++) {
    const [sent, dialled] = await Promise.all([
      assertRejects(() => alice.sendMessageToPeer(name, encode("x")), P2PError),
      assertRejects(() => alice.connectTo([address]), P2PError),
    ]);
    assertEquals([sent.code, sent.message], ["DIAL_FAILED", dialled.message]);
  }
  const back = await createNode(options);
  assertEquals(back.peerId, peerId);
  await alice.sendMessageToPeer(name, encode("hello"));
  assertEquals(decode((await take(back, 1))[0].data), "hello");
  await back.close();
  removeFolder(identityDir);
});

test("connectTo() tells the peer and the address that was reached", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  const wanted = bob.addresses.find((own) => /\/tcp\/\d+\/p2p\//.test(own))!;
  assertEquals(await alice.connectTo([wanted]), {
    id: bob.peerId,
    addrs: [wanted.replace(`/p2p/${bob.peerId}`, "")],
  });
});

test("disconnecting from a stranger is no error, and from no peer id is one", async () => {
  await using node = await createNode();
  await node.disconnectFrom(NOBODY);
  await node.disconnectFrom(node.peerId!);
  const error = await assertRejects(() => node.disconnectFrom("x"), P2PError);
  assertEquals(error.code, "PEER_INVALID");
  await assertRejects(() => node.disconnectFrom(""), RangeError);
  await assertRejects(() => node.disconnectFrom(1 as never), TypeError);
});

test("getNodeAddresses() gives a peer's addresses, none for a stranger", async () => {
  await using alice = await createNode();
  await using bob = await createNode();
  await connect(alice, bob);
  const addresses = await alice.getNodeAddresses(bob.peerId!);
  assert(addresses.length > 0);
  for (const address of addresses) {
    assert(address.endsWith(`/p2p/${bob.peerId}`), address);
  }
  assertEquals(await alice.getNodeAddresses(NOBODY), []);
});

test("a call that was aborted before it began rejects with the reason", async () => {
  await using node = await createNode();
  const reason = new Error("no longer needed");
  const signal = AbortSignal.abort(reason);
  const calls = [
    () => P2P.create({ identityDir: "never-made" }, { signal }),
    () => node.connectTo(node.addresses, { signal }),
    () => node.subscribeToTopic("a::ps:b", { signal }),
    () => node.getNodeAddresses("", { signal }),
  ];
  for (const call of calls) assertEquals(await assertRejects(call), reason);
});

test("a dial without an answer ends with its signal", async () => {
  await using node = await createNode();
  await using silent = await occupyTcp();
  const controller = new AbortController();
  const reason = new Error("enough");
  const dial = node.connectTo([
    `/ip4/127.0.0.1/tcp/${silent.port}/p2p/${NOBODY}`,
  ], { signal: controller.signal });
  controller.abort(reason);
  assertEquals(await assertRejects(() => dial), reason);
});

test("a dial without an answer ends with its timeout", async () => {
  await using node = await createNode();
  await using silent = await occupyTcp();
  const started = performance.now();
  const error = await assertRejects(
    () =>
      node.connectTo([`/ip4/127.0.0.1/tcp/${silent.port}/p2p/${NOBODY}`], {
        timeout: 100,
      }),
    P2PError,
  );
  assertEquals([error.code, error.operation], ["TIMEOUT", "connectTo"]);
  assertLess(performance.now() - started, 5000);
});

test("a dial that is under way ends when the node is closed", async () => {
  const node = await createNode();
  await using silent = await occupyTcp();
  const dial = assertRejects(
    () => node.connectTo([`/ip4/127.0.0.1/tcp/${silent.port}/p2p/${NOBODY}`]),
    P2PError,
  );
  await node.close();
  const { code } = await dial;
  assert(code === "CLOSED" || code === "ABORTED", code);
});

test("a timeout or signal that is none is refused", async () => {
  await using node = await createNode();
  for (const timeout of [0, -1, 1.5, NaN, 2 ** 31]) {
    await assertRejects(
      () => node.getNodeAddresses("", { timeout }),
      RangeError,
    );
  }
  const wrong = [{ timeout: "1" }, { signal: {} }, { timeuot: 1 }, 7];
  for (const options of wrong) {
    const error = await assertRejects(
      () => node.getNodeAddresses("", options as never),
    );
    assertInstanceOf(error, TypeError);
  }
});

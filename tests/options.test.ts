/** The options of a node: what it listens on, and what is refused. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { P2P, P2PError, type P2POptions } from "../mod.ts";
import { connect, createNode, LOCAL } from "./support/node.ts";
import { findFreePorts, occupyTcp, occupyUdp } from "./support/ports.ts";

test("the transports listen on four ports in a row", async () => {
  const port = await findFreePorts();
  await using node = await createNode({ port });
  const host = "/ip4/127.0.0.1";
  const expected = [
    `${host}/tcp/${port}`,
    `${host}/tcp/${port}/ws`,
    `${host}/udp/${port + 1}/quic-v1`,
    `${host}/udp/${port + 2}/quic-v1/webtransport`,
    `${host}/udp/${port + 3}/webrtc-direct`,
  ];
  const actual = node.addresses.map((address) =>
    address.replace(/(\/certhash\/[^/]+)*\/p2p\/\w+$/, "")
  );
  assertEquals(actual.sort(), expected.sort());
});

test("port 0 takes any free ports", async () => {
  await using a = await createNode();
  await using b = await createNode();
  assertEquals(a.addresses.length, 5);
  assertEquals(b.addresses.length, 5);
  const ports = (node: P2P) =>
    node.addresses.map((own) => /\/(?:tcp|udp)\/(\d+)/.exec(own)![1]);
  const shared = ports(a).filter((port) => ports(b).includes(port));
  assertEquals(shared, []);
});

test("a node listens with the chosen transports only", async () => {
  await using node = await createNode({ transports: ["quic", "ws"] });
  const kinds = node.addresses.map((own) => /quic-v1|ws/.exec(own)?.[0]);
  assertEquals(kinds.sort(), ["quic-v1", "ws"]);
  assert(!node.addresses.some((own) => own.includes("webtransport")));
});

const hasIpv6 = Object.values(networkInterfaces()).flat()
  .some((own) => own?.address === "::1");

test("IPv6 addresses are listened on where the options name them", async () => {
  if (!hasIpv6) return;
  await using a = await createNode({ ips: ["127.0.0.1", "::1"] });
  await using b = await createNode({ ips: ["::1"] });
  assert(a.addresses.some((own) => own.startsWith("/ip4/127.0.0.1/")));
  assert(a.addresses.some((own) => own.startsWith("/ip6/::1/")));
  assert(b.addresses.every((own) => own.startsWith("/ip6/::1/")));
  await connect(b, a);
});

test("a port that another node has is ADDRESS_IN_USE", async () => {
  const port = await findFreePorts();
  await using _node = await createNode({ port });
  await assertInUse(port, port);
});

for (const [offset, occupy] of [[0, occupyTcp], [1, occupyUdp]] as const) {
  test(`a port that another program has is ADDRESS_IN_USE, and nothing half-listens (port + ${offset})`, async () => {
    const port = await findFreePorts();
    await using taken = await occupy(port + offset);
    await assertInUse(port, taken.port);
    const others = [occupyTcp, occupyUdp, occupyUdp, occupyUdp].entries();
    for (const [at, bind] of others) {
      if (at === offset) continue;
      await using _free = await bind(port + at);
    }
  });
}

test("an option that does not exist is a TypeError with the nearest one", async () => {
  const error = await assertRefused({ dhtEnable: false } as never, TypeError);
  assertStringIncludes(error.message, "dhtEnabled");
});

test("the identity folder is required", async () => {
  await assertRejects(() => P2P.create({} as never), TypeError);
  await assertRejects(() => P2P.create(undefined as never), TypeError);
});

test("a certificate of one's own needs all three options", async () => {
  const partial: Partial<P2POptions>[] = [
    { domainName: "example.org" },
    { tlsCertPath: "cert.pem", tlsKeyPath: "key.pem" },
  ];
  for (const options of partial) await assertRefused(options, TypeError);
});

test("values of a wrong type are TypeErrors that name the option", async () => {
  const wrong = {
    port: "4001",
    ips: "127.0.0.1",
    floodSub: 1,
    relays: [7],
    transports: "tcp",
    iceTurnServers: ["turn:x"],
    limits: [],
  };
  for (const [name, value] of Object.entries(wrong)) {
    const error = await assertRefused({ [name]: value }, TypeError);
    assertStringIncludes(error.message, name);
  }
});

test("values out of range are RangeErrors that name the option", async () => {
  const wrong = {
    port: 65536,
    maxTopicMessageSize: 0,
    ips: ["localhost"],
    transports: ["carrier-pigeon"],
    limits: { connections: 0 },
    identityDir: "",
  };
  for (const [name, value] of Object.entries(wrong)) {
    const error = await assertRefused({ [name]: value }, RangeError);
    assertStringIncludes(error.message, name);
  }
});

test("the label of the logs and the relay option can be read back", async () => {
  await using plain = await createNode();
  assertEquals([plain.logSub, plain.relayIsEnabled], ["pub", true]);
  await using other = await createNode({
    logSub: "world",
    enableRelayClient: false,
  });
  assertEquals([other.logSub, other.relayIsEnabled], ["world", false]);
});

test("the limit of connections is kept", async () => {
  await using full = await createNode({ limits: { connections: 1 } });
  await using first = await createNode();
  await using second = await createNode();
  await connect(first, full);
  await assertRejects(() => second.connectTo(full.addresses), P2PError);
});

async function assertInUse(port: number, named: number): Promise<void> {
  const error = await assertRejects(() => createNode({ port }), P2PError);
  assertEquals([error.code, error.operation], ["ADDRESS_IN_USE", "create"]);
  assertStringIncludes(error.message, `${named}`);
}

function assertRefused<E extends Error>(
  options: Record<string, unknown>,
  kind: new (message: string) => E,
): Promise<E> {
  const all = { ...LOCAL, identityDir: "never-made", ...options };
  return assertRejects(() => P2P.create(all as P2POptions), kind);
}

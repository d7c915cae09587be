// Options and settings: defaults, and what is refused in which words.

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { test } from "node:test";
import { startCall } from "../../src/deadline.ts";
import { checkOptions } from "../../src/options.ts";
import { presets } from "../../src/presets.ts";
import { checkSettings, DEFAULT_SETTINGS } from "../../src/settings.ts";

const identityDir = "./alice";

test("node options are complete with nothing but an identity folder", () => {
  assertEquals(checkOptions({ identityDir }), {
    identityDir,
    port: 0,
    ips: ["0.0.0.0"],
    enableRelayClient: true,
    enableRelayService: false,
    useBroadLimits: false,
    isIsolated: false,
    knowsIsPublic: false,
    enableTls: false,
    domainName: null,
    tlsCertPath: null,
    tlsKeyPath: null,
    dhtEnabled: true,
    dhtKeep: false,
    webrtcEnabled: true,
    webrtcWait: 5000,
    verifyChannels: true,
    floodSub: false,
    maxTopicMessageSize: 65_536,
    iceStunServers: [],
    iceTurnServers: [],
    logSub: "pub",
    relays: [],
    bootstrapPeers: [],
    natPortMap: false,
    holePunching: true,
    transports: ["tcp", "quic", "ws", "webtransport", "webrtc-direct"],
    limits: {},
  });
});

test("node options take null as Python's None", () => {
  const options = checkOptions({
    identityDir,
    ips: null,
    iceStunServers: null,
    domainName: null,
  });
  assertEquals(options.ips, ["0.0.0.0"]);
  assertEquals(options.iceStunServers, []);
  assertEquals(options.domainName, null);
});

test("node options take a file URL for the identity folder", () => {
  const options = checkOptions({ identityDir: new URL("file:///some/a%20b") });
  assertEquals(options.identityDir, "/some/a b");
});

test("node options bring TURN servers into one form", () => {
  const urls = "turn:turn.example.org";
  const { iceTurnServers } = checkOptions({
    identityDir,
    iceTurnServers: [{ urls, username: "a", credential: "b" }],
  });
  assertEquals(iceTurnServers, [
    { urls: [urls], username: "a", credential: "b" },
  ]);
});

const wrong: [
  string,
  unknown,
  typeof TypeError | typeof RangeError,
  string,
][] = [
  ["nothing", undefined, TypeError, "options must be an object"],
  ["no identity folder", {}, TypeError, "identityDir must be a string"],
  [
    "an empty identity folder",
    { identityDir: "" },
    RangeError,
    "identityDir",
  ],
  [
    "an unknown name",
    { identityDir, dht_enabled: false },
    TypeError,
    'did you mean "dhtEnabled"?',
  ],
  ["a text as port", { identityDir, port: "1" }, TypeError, "options.port"],
  ["a broken port", { identityDir, port: 1.5 }, RangeError, "options.port"],
  [
    "a port whose neighbours do not exist",
    { identityDir, port: 65533 },
    RangeError,
    "at most 65532",
  ],
  ["a host name", { identityDir, ips: ["a.b"] }, RangeError, "ips[0]"],
  [
    "a number as flag",
    { identityDir, dhtEnabled: 1 },
    TypeError,
    "options.dhtEnabled must be a boolean, got number 1",
  ],
  [
    "an incomplete certificate",
    { identityDir, domainName: "a.b", tlsCertPath: "c" },
    TypeError,
    "tlsKeyPath not given",
  ],
  [
    "no transport",
    { identityDir, transports: [] },
    RangeError,
    "options.transports",
  ],
  [
    "an unknown transport",
    { identityDir, transports: ["udp"] },
    RangeError,
    'one of "tcp"',
  ],
  [
    "an unknown limit",
    { identityDir, limits: { conections: 1 } },
    TypeError,
    'did you mean "connections"?',
  ],
  [
    "a TURN server without an address",
    { identityDir, iceTurnServers: [{}] },
    TypeError,
    "options.iceTurnServers[0].urls",
  ],
];
for (const [what, options, kind, message] of wrong) {
  test(`node options refuse ${what}`, () => {
    assertThrows(() => checkOptions(options), kind, message);
  });
}

test("node options allow the last port to a node that listens on TCP alone", () => {
  const options = { identityDir, port: 65535, transports: ["tcp"] };
  assertEquals(checkOptions(options).port, 65535);
});

test("library settings have the Python library's defaults", () => {
  assertEquals(checkSettings({}), {
    ...DEFAULT_SETTINGS,
    library: undefined,
    logger: undefined,
    pprof: undefined,
    registry: undefined,
  });
  assertEquals(DEFAULT_SETTINGS.maxMessageSize, 52_428_800);
});

test("library settings log warnings as soon as there is a logger", () => {
  assertEquals(checkSettings({ logger: () => {} }).logLevel, "warn");
  const settings = { logger: () => {}, logLevel: "debug" };
  assertEquals(checkSettings(settings).logLevel, "debug");
});

test("library settings refuse what cannot be used", () => {
  assertThrows(() => checkSettings({ maxInstances: 0 }), RangeError);
  assertThrows(() => checkSettings({ maxMessageSize: 2 ** 31 }), RangeError);
  assertThrows(() => checkSettings({ overflow: "drop" }), RangeError);
  assertThrows(() => checkSettings({ logger: console }), TypeError);
  assertThrows(() => checkSettings({ max_channels: 1 }), TypeError);
  assertThrows(() => checkSettings({ library: 1 }), TypeError);
  assertThrows(() => checkSettings({ registry: 4873 }), TypeError);
  assertThrows(() => checkSettings({ registry: "npm.example" }), RangeError);
  assertThrows(() => checkSettings({ installTimeout: 0 }), RangeError);
  assertThrows(() => checkSettings({ pprof: 6060 }), TypeError);
  assertThrows(() => checkSettings({ pprof: "0.0.0.0:6060" }), RangeError);
  assertThrows(() => checkSettings({ pprof: "127.0.0.1" }), RangeError);
});

test("call options refuse what cannot be used", () => {
  const start = (options: unknown) => () => startCall("x", options as object);
  assertThrows(start({ timeout: 0 }), RangeError, "options.timeout");
  assertThrows(start({ timeout: Infinity }), RangeError);
  assertThrows(start({ timeout: "1" }), TypeError);
  assertThrows(start({ signal: {} }), TypeError, "options.signal");
  assertThrows(start({ timeOut: 1 }), TypeError, 'mean "timeout"');
  assertThrows(start(null), TypeError);
});

test("the presets are options that a node takes", () => {
  const config = checkOptions({ identityDir: "x", ...presets.unaiverse });
  for (const address of [...config.relays, ...config.bootstrapPeers]) {
    assertMatch(address, /^\/(ip4|dns4|dnsaddr)\/.+\/p2p\/(12D3KooW|Qm)\w+$/);
  }
  assertEquals(config.relays.length, 6);
  assertEquals(config.iceStunServers.length, 4);
});

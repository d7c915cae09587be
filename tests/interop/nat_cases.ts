/** Cases behind two routers. `nat.ts` runs them. */
import { assert, assertEquals } from "@std/assert";
import type { P2P } from "../../mod.ts";
import { createNode, LOCAL, withFolder } from "../support/node.ts";
import { until } from "../support/wait.ts";
import { on, PUBLIC } from "./lab.ts";
import { Python, type PythonNode } from "./python.ts";
import { RemoteNode } from "./remote.ts";

const STUN = `stun:${PUBLIC}:3478`;
/** What the issue asks for, in milliseconds from the beginning of `connectTo`. */
const FIRST_WITHIN = 2000;
const BETTER_WITHIN = 8000;
/** Numbered messages go from before the switch until well after it. */
const COUNT = 450;
const PAUSE = 20;
const MIB = 1 << 20;

const PUNCHING = "hole punching";
const FALLBACK = "WebRTC";
const EITHER = "either";
const WAYS = {
  [PUNCHING]: { webrtcEnabled: false },
  [FALLBACK]: { holePunching: false },
  [EITHER]: {},
} as const;
type Way = keyof typeof WAYS;

/** What the cases need. */
export interface Lab {
  relay: P2P;
  python: string;
  folder: string;
}

type Case = (lab: Lab) => Promise<string>;

/** The cases by name. */
export const natCases = new Map<string, Case>();

for (const way of [PUNCHING, FALLBACK, EITHER] as const) {
  natCases.set(
    `two nodes behind routers find each other by ${way}, and no message is lost, doubled or out of order`,
    (lab) => betweenOurs(lab, way),
  );
}
for (const way of [EITHER, FALLBACK] as const) {
  natCases.set(
    `this module reaches Python, both behind routers, by ${way}`,
    (lab) => withPython(lab, way, "this module"),
  );
  natCases.set(
    `Python reaches this module, both behind routers, by ${way}`,
    (lab) => withPython(lab, way, "Python"),
  );
}

/** Their names. */
export const NAMES: string[] = [...natCases.keys()];

/** A relay that everybody can reach. */
export function createRelay(): Promise<P2P> {
  return createNode({
    ips: [PUBLIC],
    enableRelayService: true,
    knowsIsPublic: true,
    useBroadLimits: true,
    webrtcEnabled: false,
  });
}

async function create(
  node: RemoteNode,
  folder: string,
  way: Way,
  relays: string[] = [],
) {
  const options = {
    ...LOCAL,
    identityDir: folder,
    ips: ["0.0.0.0"],
    iceStunServers: [STUN],
    relays,
    ...WAYS[way],
  };
  const { peerId } = await node.request<{ peerId: string }>("create", options);
  return peerId;
}

async function betweenOurs({ relay }: Lab, way: Way): Promise<string> {
  return await withFolder((aliceFolder) =>
    withFolder(async (bobFolder) => {
      await using alice = new RemoteNode(on("alice"));
      await using bob = new RemoteNode(on("bob"));
      const aliceId = await create(alice, aliceFolder, way);
      const relays = way === PUNCHING ? relay.addresses : [];
      const bobId = await create(bob, bobFolder, way, relays);
      const through = way === PUNCHING
        ? await becomePrivate(relay, alice, bob)
        : await bob.request("reserve", relay.addresses);
      const started = await alice.request<number>("connect", through);
      await Promise.all([
        alice.request("number", bobId, COUNT, PAUSE),
        bob.request("number", aliceId, COUNT, PAUSE),
      ]);
      const figures = await Promise.all([
        arrived(bob, aliceId, started),
        arrived(alice, bobId, started),
      ]);
      const wanted = { [PUNCHING]: /quic|tcp/, [FALLBACK]: /webrtc/ };
      for (const { transport } of figures) {
        if (way !== EITHER) assert(wanted[way].test(transport), transport);
      }
      return figures.map(({ text }) => text).join("; ");
    })
  );
}

/** libp2p punches holes for nodes that know that they are private; Bob uses the relay of his options from then on. */
async function becomePrivate(
  relay: P2P,
  alice: RemoteNode,
  bob: RemoteNode,
): Promise<string[]> {
  await Promise.all(
    [alice, bob].map((node) => node.request("private", relay.addresses)),
  );
  const { through, reserved } = await bob.request<{
    through: string[];
    reserved: [string, string | null][];
  }>("automatic");
  assertEquals(reserved[0], [relay.peerId, null]);
  return through;
}

interface Figures {
  /** What the last message came by. */
  transport: string;
  text: string;
}

/** Looks at what a node of this module has received, and when it had a better way than the relay. */
async function arrived(
  node: RemoteNode,
  from: string,
  started: number,
  inOrder = true,
): Promise<Figures> {
  let numbers: [number, string, number, number][] = [];
  await until(async () => {
    numbers = await node.request("numbers");
    return numbers.length >= COUNT;
  }, `${COUNT} messages are there`);
  const came = numbers.map(([number]) => number);
  const expected = Array.from({ length: COUNT }, (_, i) => i);
  assertEquals(inOrder ? came : came.sort((a, b) => a - b), expected);
  const first = numbers[0][3] - started;
  const better = await node.request<number>("betterSince", from) - started;
  assert(first <= FIRST_WITHIN, `the first message took ${first} ms`);
  assert(better <= BETTER_WITHIN, `a better way took ${better} ms`);
  const transport = numbers.at(-1)![1];
  assert(transport !== "relay", "the last message still came by the relay");
  const text = `first message after ${first.toFixed(0)} ms, ` +
    `${transport} after ${better} ms`;
  return { transport, text };
}

async function withPython(
  { relay, python: command, folder: packages }: Lab,
  way: Way,
  dialler: "this module" | "Python",
): Promise<string> {
  return await withFolder(async (folder) => {
    await using ours = new RemoteNode(on("alice"));
    await using python = new Python(command, packages, on("bob"));
    const ourId = await create(ours, folder, way);
    const theirs = await python.create({
      ips: ["0.0.0.0"],
      enable_relay_client: true,
      webrtc_enabled: true,
      ice_stun_servers: [STUN],
    });
    const started = await (dialler === "Python" ? dialUs : dialPython)(
      relay,
      ours,
      theirs,
    );
    await Promise.all([
      ours.request("number", theirs.peerId, COUNT, PAUSE),
      theirs.number(ourId, COUNT, PAUSE / 1000),
    ]);
    // Python changes streams without waiting for the one before.
    const { text } = await arrived(ours, theirs.peerId, started, false);
    const there = await theirs.take(COUNT);
    assertEquals(
      there.map(({ data }) => parseInt(new TextDecoder().decode(data))),
      Array.from({ length: COUNT }, (_, i) => i),
    );
    if (way === FALLBACK) await exchangeLarge(ours, theirs, ourId);
    return text;
  });
}

async function dialPython(
  relay: P2P,
  ours: RemoteNode,
  theirs: PythonNode,
): Promise<number> {
  await theirs.call("connect_to", relay.addresses);
  await theirs.call("reserve_on_relay", relay.peerId);
  const through = relay.addresses.map((address) =>
    `${address}/p2p-circuit/p2p/${theirs.peerId}`
  );
  return await ours.request<number>("connect", through);
}

async function dialUs(
  relay: P2P,
  ours: RemoteNode,
  theirs: PythonNode,
): Promise<number> {
  const through = await ours.request("reserve", relay.addresses);
  const started = Date.now();
  await theirs.call("connect_to", through);
  return started;
}

/** 20 messages of 1 MiB each way over the channel. */
async function exchangeLarge(
  ours: RemoteNode,
  theirs: PythonNode,
  ourId: string,
): Promise<void> {
  assertEquals(await ours.request("transport", theirs.peerId), "webrtc");
  await ours.request("send", theirs.peerId, 20, MIB);
  const there = await theirs.take(20);
  assertEquals(there.map(({ data }) => data.length), Array(20).fill(MIB));
  const large = new Uint8Array(MIB).fill(200);
  const channel = `${theirs.peerId}::dm:${ourId}-misc`;
  await theirs.send(channel, ...Array<Uint8Array>(20).fill(large));
  await until(
    async () => (await ours.request<number[]>("sizes")).length === 20,
    "20 messages of 1 MiB are there",
  );
  assertEquals(await ours.request("sizes"), Array(20).fill(MIB));
}

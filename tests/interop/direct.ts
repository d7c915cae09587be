/** Cases of connections and direct messages, with a Python node at the other end. */
import { assertEquals } from "@std/assert";
import type { Transport } from "../../mod.ts";
import { createNode, withFolder } from "../support/node.ts";
import {
  assertSameBytes,
  bytes,
  decode,
  encode,
  once,
  take,
  until,
} from "../support/wait.ts";
import type { Case } from "./cases.ts";
import { type Dialler, DIALLERS, type Pair, withPair } from "./pair.ts";
import type { PythonNode } from "./python.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZES = [1, 100, 64 * KIB, MIB, 49 * MIB];
const MANY = 10_000;

/** The cases by name. */
export const direct = new Map<string, Case>();

for (const transport of ["quic", "tcp"] as const) {
  for (const dialler of DIALLERS) {
    const both = (fn: (pair: Pair) => Promise<void>): Case => (python) =>
      withPair(python, { dialler, ours: { transports: [transport] } }, fn);
    const how = `when ${dialler} has dialled over ${transport}`;

    direct.set(
      `both sides list each other ${how}`,
      both(async (pair) => {
        await meet(pair);
        const [peer] = pair.ours.getConnectedPeersInfo();
        assertEquals(
          [peer.id, peer.transport, peer.direction],
          [
            pair.theirs.peerId,
            transport,
            dialler === "Python" ? "inbound" : "outbound",
          ],
        );
      }),
    );

    direct.set(
      `messages of all sizes arrive both ways ${how}`,
      both(async ({ ours, theirs, there, back }) => {
        const payloads = SIZES.map((size, seed) => bytes(size, seed));
        for (const data of payloads) await ours.sendMessageToPeer(there, data);
        assertSame(await theirs.take(SIZES.length), payloads);
        const received = take(ours, SIZES.length);
        await theirs.send(back, ...payloads);
        assertSame(await received, payloads);
      }),
    );

    direct.set(
      `${MANY} messages in a row arrive both ways, in order, ${how}`,
      both(async (pair) => {
        await meet(pair);
        const { ours, theirs, there, back } = pair;
        const payloads = Array.from(
          { length: MANY },
          (_, index) => encode(`${index}`.padStart(100)),
        );
        const received = take(ours, MANY);
        await Promise.all([
          theirs.send(back, ...payloads),
          ...payloads.map((data) => ours.sendMessageToPeer(there, data)),
        ]);
        assertSame(await received, payloads);
        assertSame(await theirs.take(MANY), payloads);
      }),
    );

    for (const first of DIALLERS) {
      direct.set(
        `all messages take the stream of the first, from ${first}, ${how}`,
        both(async (pair) => {
          const { ours, theirs } = pair;
          const order = first === "Python"
            ? [fromPython, toPython]
            : [toPython, fromPython];
          for (const send of [...order, ...order]) await send(pair, "hello");
          await until(
            () => theirs.streams(ours.peerId!).length === 4,
            "Python has logged four messages",
          );
          assertEquals(new Set(theirs.streams(ours.peerId!)).size, 1);
        }),
      );
    }

    direct.set(
      `close() right after sending loses nothing ${how}`,
      both(async ({ ours, theirs, there }) => {
        const payloads = Array.from(
          { length: 300 },
          (_, seed) => bytes(20 * KIB, seed),
        );
        payloads.push(bytes(5 * MIB));
        for (const data of payloads) await ours.sendMessageToPeer(there, data);
        await ours.close();
        assertSame(await theirs.take(payloads.length), payloads);
      }),
    );
  }
}

// Not this module over WebTransport: webtransport-go 0.13 asks of a server what
// Python's 0.9 does not offer, a reset with partial delivery.
const others: [Transport, Dialler][] = [
  ["ws", "this module"],
  ["ws", "Python"],
  ["webtransport", "Python"],
];
for (const [transport, dialler] of others) {
  direct.set(
    `${dialler} connects over ${transport}`,
    (python) =>
      withPair(python, { dialler, ours: { transports: [transport] } }, meet),
  );
}

// Python goes over to every new stream of its peer, and loses the order by that.
direct.set(
  "first messages that cross each other all arrive, those of this module in order",
  (python) =>
    withPair(python, {}, async ({ ours, theirs, there, back }) => {
      const texts = Array.from({ length: 500 }, (_, index) => `${index}`);
      const payloads = texts.map(encode);
      const received = take(ours, texts.length);
      await Promise.all([
        theirs.send(back, ...payloads),
        ...payloads.map((data) => ours.sendMessageToPeer(there, data)),
      ]);
      assertSame(await theirs.take(texts.length), payloads);
      const seen = (await received).map(({ data }) => decode(data));
      assertEquals(seen.sort(), texts.sort());
    }),
);

direct.set(
  "an isolated Python node keeps the connection",
  (python) => withPair(python, { theirs: { is_isolated: true } }, meet),
);

direct.set(
  "an isolated node of this module keeps the connection to Python",
  (python) => withPair(python, { ours: { isIsolated: true } }, meet),
);

direct.set(
  "messages go on when this module restarts with the same identity",
  (python) =>
    withFolder((identityDir) =>
      withPair(python, { ours: { identityDir } }, async (pair) => {
        await meet(pair);
        await pair.ours.close();
        await using again = await createNode({ identityDir });
        await again.connectTo(pair.theirs.addresses);
        await meet({ ...pair, ours: again });
      })
    ),
);

direct.set(
  "messages go on when Python restarts with the same identity",
  (python) =>
    withFolder((folder) =>
      withPair(python, { theirs: { identity_dir: folder } }, async (pair) => {
        await meet(pair);
        const gone = once(pair.ours, "peerdisconnect");
        await pair.theirs.call("close");
        await gone;
        const again = await python.create({ identity_dir: folder });
        assertEquals(again.peerId, pair.theirs.peerId);
        await pair.ours.connectTo(again.addresses);
        await meet({ ...pair, theirs: again });
      })
    ),
);

direct.set(
  "this module notices that Python has disconnected",
  (python) =>
    withPair(python, {}, async (pair) => {
      await meet(pair);
      const gone = once(pair.ours, "peerdisconnect");
      await pair.theirs.call("disconnect_from", pair.ours.peerId);
      await gone;
      assertEquals(pair.ours.getConnectedPeersInfo(), []);
    }),
);

direct.set(
  "after a disconnection messages arrive again",
  (python) =>
    withPair(python, {}, async (pair) => {
      await meet(pair);
      const gone = once(pair.ours, "peerdisconnect");
      await pair.ours.disconnectFrom(pair.theirs.peerId);
      await gone;
      await meet(pair);
    }),
);

direct.set(
  "a key that Python made is the same peer here",
  (python) =>
    withFolder(async (folder) => {
      const theirs = await python.create({ identity_dir: folder });
      await using ours = await createNode({ identityDir: folder });
      assertEquals(ours.peerId, theirs.peerId);
    }),
);

direct.set(
  "a key that was made here is the same peer in Python",
  (python) =>
    withFolder(async (folder) => {
      await using ours = await createNode({ identityDir: folder });
      const theirs = await python.create({ identity_dir: folder });
      assertEquals(theirs.peerId, ours.peerId);
    }),
);

/** Greetings both ways; a Python node lists only peers it has had a message from or for. */
export async function meet(pair: Pair): Promise<void> {
  await toPython(pair, "hello, Python");
  await fromPython(pair, "hello, module");
  const { ours, theirs } = pair;
  assertEquals(ours.getConnectedPeersInfo().map(({ id }) => id), [
    theirs.peerId,
  ]);
  assertEquals(await pythonPeers(theirs), [ours.peerId]);
}

async function pythonPeers(node: PythonNode): Promise<string[]> {
  const peers = await node.call<{ id: string }[]>("get_connected_peers_info");
  return peers.map(({ id }) => id);
}

async function toPython(
  { ours, theirs, there }: Pair,
  text: string,
): Promise<void> {
  await ours.sendMessageToPeer(there, encode(text));
  const [message] = await theirs.take(1);
  assertEquals([message.from, decode(message.data)], [ours.peerId, text]);
}

async function fromPython(
  { ours, theirs, back }: Pair,
  text: string,
): Promise<void> {
  await theirs.send(back, encode(text));
  const [{ from, channel, data }] = await take(ours, 1);
  assertEquals([from, channel, decode(data)], [theirs.peerId, back, text]);
}

function assertSame(
  messages: { data: Uint8Array }[],
  payloads: Uint8Array[],
): void {
  assertEquals(messages.length, payloads.length);
  for (const [index, { data }] of messages.entries()) {
    assertSameBytes(data, payloads[index]);
  }
}

/** Cases of topics, with a Python node among the subscribers. */
import { assertEquals } from "@std/assert";
import {
  assertSameBytes,
  bytes,
  decode,
  encode,
  take,
  until,
} from "../support/wait.ts";
import type { Case } from "./cases.ts";
import { DIALLERS, type Pair, withPair } from "./pair.ts";

const SIZES = [1, 1000, 1_000_000];
const GREETING = "anybody there?";

/** The cases by name. */
export const topics = new Map<string, Case>();

for (const [ourRouter, ours] of routers("floodSub")) {
  for (const [theirRouter, theirs] of routers("flood_sub")) {
    for (const dialler of DIALLERS) {
      topics.set(
        `broadcasts reach the other side, ${ourRouter} here and ${theirRouter} in Python, when ${dialler} has dialled`,
        (python) =>
          withPair(
            python,
            {
              dialler,
              ours: { ...ours, maxTopicMessageSize: 2 << 20 },
              theirs,
            },
            async (pair) => await exchange(pair, await join(pair), SIZES),
          ),
      );
    }
  }
}

topics.set(
  "a topic is left and joined again on either side",
  (python) =>
    withPair(python, {}, async (pair) => {
      const { ours, theirs } = pair;
      const topic = await join(pair);
      await ours.unsubscribeFromTopic(topic);
      await until(
        async () => !(await pythonTopicPeers(pair)).includes(ours.peerId!),
        "Python knows that this node has left",
      );
      await subscribe(pair, topic);
      await exchange(pair, topic, [100]);
      await theirs.call("unsubscribe_from_topic", topic);
      await until(
        () => !ours.getTopicPeers(topic).includes(theirs.peerId),
        "this node knows that Python has left",
      );
      await subscribe(pair, topic);
      await exchange(pair, topic, [100]);
    }),
);

topics.set(
  "either side publishes to a topic it has not joined",
  (python) =>
    withPair(python, {}, async ({ ours, theirs }) => {
      const inTheirs = `${theirs.peerId}::ps:theirs`;
      await theirs.call("subscribe_to_topic", inTheirs);
      const inOurs = `${ours.peerId}::ps:ours`;
      await ours.subscribeToTopic(inOurs);
      // Who is outside a topic is not told when somebody joins it.
      await until(async () => {
        await ours.broadcastMessage(inTheirs, encode("to Python"));
        return (await theirs.take(1, 0)).length > 0;
      }, "a broadcast of this module arrives");
      await until(async () => {
        await theirs.send(inOurs, encode("from Python"));
        return ours.getMessageQueueLength() > 0;
      }, "a broadcast of Python arrives");
      assertEquals(ours.popMessages()[0].from, theirs.peerId);
    }),
);

/** Both routers, as the options of one side name them. */
function routers(option: string): [string, Record<string, boolean>][] {
  return [["GossipSub", { [option]: false }], ["FloodSub", { [option]: true }]];
}

/**
 * Joins both to a new topic, and waits until broadcasts of Python arrive: it sends them to its mesh alone, which takes in a
 * new subscriber at the next heartbeat, and what it sent before that is lost.
 */
async function join(pair: Pair): Promise<string> {
  const { ours, theirs } = pair;
  const topic = `${ours.peerId}::ps:test`;
  await subscribe(pair, topic);
  await until(async () => {
    await theirs.send(topic, encode(GREETING));
    return ours.getMessageQueueLength() > 0;
  }, "a broadcast of Python arrives");
  return topic;
}

/** Subscribes both; resolves when they know of each other. */
async function subscribe(pair: Pair, topic: string): Promise<void> {
  const { ours, theirs } = pair;
  await theirs.call("subscribe_to_topic", topic);
  await ours.subscribeToTopic(topic);
  await until(
    async () =>
      ours.getTopicPeers(topic).includes(theirs.peerId) &&
      (await pythonTopicPeers(pair)).includes(ours.peerId!),
    "both know of each other",
  );
}

/** Broadcasts both ways. */
async function exchange(
  { ours, theirs }: Pair,
  topic: string,
  sizes: number[],
): Promise<void> {
  for (const size of sizes) {
    const payload = bytes(size);
    await ours.broadcastMessage(topic, payload);
    const [there] = await theirs.take(1);
    assertEquals(there.from, ours.peerId);
    assertSameBytes(there.data, payload);
    await theirs.send(topic, payload);
    let [back] = await take(ours, 1);
    // What was sent before the mesh had formed may be gossiped later.
    while (decode(back.data) === GREETING) [back] = await take(ours, 1);
    assertEquals([back.from, back.channel], [theirs.peerId, topic]);
    assertSameBytes(back.data, payload);
  }
}

function pythonTopicPeers({ theirs }: Pair): Promise<string[]> {
  return theirs.call<string[]>("get_topic_peers");
}

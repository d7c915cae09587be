/**
 * One peer of the demo. Given an address it calls the peer that listens there;
 * given none it waits to be called. Both then do the same things in step: greet
 * each other, measure round trips, meet in a topic, part. To run it by hand, start
 * it in two terminals: the first prints the address that the second is given.
 *
 *     peer.ts <identity folder> [address]
 */
import { type MessagesOptions, P2P } from "@unaiverse/p2p";
import process from "node:process";

const ROUND_TRIPS = 100;
const me = process.versions.bun
  ? `Bun ${process.versions.bun}`
  : `Deno ${process.versions.deno}`;

const [identityDir, address] = process.argv.slice(2);
await using node = await P2P.create({
  identityDir,
  ips: ["127.0.0.1"],
  dhtEnabled: false,
  natPortMap: false,
  relays: [],
  bootstrapPeers: [],
});
console.log(`I am ${node.peerId} on ${me}`);
const quic = node.addresses.find((own) => own.includes("/quic-v1/p2p/"));
console.log(`listening on ${quic}`);

const [peer, topic] = address ? await call(address) : await waitForCall();
const { transport } = node.getConnectedPeersInfo()
  .find((connected) => connected.id === peer)!;
console.log(`connected to ${peer} over ${transport}`);

await send("greeting", `hello from ${me}`);
console.log(`direct message: "${await receive("greeting")}"`);

// Direct messages of one peer arrive in the order in which they were sent, so
// the two take turns without further agreement.
if (address) await measure();
else await echo();
if (address) await echo();
else await measure();

if (!address) await node.subscribeToTopic(topic);
await meetInTopic();
await node.broadcastMessage(topic, `${me} says hi to everybody`);
console.log(`topic message: "${await next({ channel: topic })}"`);

await send("goodbye", me);
await receive("goodbye");
await node.close();
console.log("closed");

/** Connects to the peer that listens at the address; its topic is ours. */
async function call(address: string): Promise<[peer: string, topic: string]> {
  const topic = `${node.peerId}::ps:demo`;
  await node.subscribeToTopic(topic);
  const started = performance.now();
  const { id } = await node.connectTo([address]);
  const took = (performance.now() - started).toFixed(1);
  console.log(`dialled, secured and connected in ${took} ms`);
  return [id, topic];
}

/** Waits for a peer to connect; the topic is the caller's. */
function waitForCall(): Promise<[peer: string, topic: string]> {
  return new Promise((resolve) =>
    node.addEventListener("peerconnect", ({ detail: { id } }) => {
      resolve([id, `${id}::ps:demo`]);
    }, { once: true })
  );
}

/** Resolves when the peer is in the topic too. */
function meetInTopic(): Promise<void> {
  if (node.getTopicPeers(topic).includes(peer)) return Promise.resolve();
  return new Promise((resolve) =>
    node.addEventListener("topicpeers", ({ detail: { peers } }) => {
      if (peers.includes(peer)) resolve();
    })
  );
}

function send(topic: string, content: string): Promise<void> {
  return node.send(peer, content, { topic });
}

function receive(topic: string): Promise<string> {
  return next({ from: peer, topic });
}

/** The text of the next message that the options let through; what comes besides waits for its turn. */
async function next(options: MessagesOptions): Promise<string> {
  for await (const message of node.messages(options)) return message.text();
  throw new Error("the node was closed");
}

async function measure(): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const started = performance.now();
    await send("ping", String(i));
    await receive("pong");
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(ROUND_TRIPS * share)];
  console.log(
    `${ROUND_TRIPS} round trips: median ${at(0.5).toFixed(2)} ms, ` +
      `99th percentile ${at(0.99).toFixed(2)} ms`,
  );
}

async function echo(): Promise<void> {
  for (let i = 0; i < ROUND_TRIPS; i++) {
    await send("pong", await receive("ping"));
  }
}

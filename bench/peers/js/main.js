// js-libp2p doing the work of bench/peers, under Node, Deno or Bun. It takes the work as one JSON argument and prints lines of JSON:
// {"listening": [addresses]}, then {"result": {…}}. It ends with its standard input.
import { gossipsub } from "@libp2p/gossipsub";
import { identify } from "@libp2p/identify";
import { noise } from "@chainsafe/libp2p-noise";
import { quic } from "@chainsafe/libp2p-quic";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@chainsafe/libp2p-yamux";
import { multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { Buffer } from "node:buffer";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";

const PROTOCOL = "/unaiverse/chat/1.0.0";
const MEASURED = 1, LAST = 2;

const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

function percentiles(times) {
  times.sort((a, b) => a - b);
  const at = (share) => 1000 * times[Math.floor(share * (times.length - 1))];
  return { p50: at(0.5), p99: at(0.99), count: times.length };
}

function create({ transport }, services = {}) {
  const common = {
    services: { identify: identify(), ...services },
    // By default it closes what comes from one address more often than five times a second.
    connectionManager: { inboundConnectionThreshold: Infinity },
  };
  return createLibp2p(
    transport === "quic"
      ? {
        ...common,
        addresses: { listen: ["/ip4/127.0.0.1/udp/0/quic-v1"] },
        transports: [quic()],
      }
      : {
        ...common,
        addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
        transports: [tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
      },
  );
}

const listening = (node) =>
  print({ listening: node.getMultiaddrs().map(String) });

function frame(channel, payload) {
  const name = Buffer.from(channel);
  const data = Buffer.alloc(5 + name.length + payload.length);
  data.writeUInt32BE(1 + name.length + payload.length, 0);
  data[4] = name.length;
  name.copy(data, 5);
  data.set(payload, 5 + name.length);
  return data;
}

/** Calls `handle` with each payload that a stream brings. */
function readFrames(stream, handle) {
  let rest = Buffer.alloc(0);
  let pieces = [], size = 0, needs = 4;
  stream.addEventListener("message", ({ data }) => {
    const piece = data.subarray();
    pieces.push(piece);
    size += piece.length;
    if (size < needs) return;
    rest = pieces.length === 1
      ? Buffer.from(piece.buffer, piece.byteOffset, piece.length)
      : Buffer.concat(pieces);
    let at = 0;
    needs = 4;
    while (rest.length - at >= 4) {
      const end = at + 4 + rest.readUInt32BE(at);
      if (end > rest.length) {
        needs = end - at;
        break;
      }
      handle(rest.subarray(at + 5 + rest[at + 4], end));
      at = end;
    }
    rest = rest.subarray(at);
    pieces = rest.length > 0 ? [rest] : [];
    size = rest.length;
  });
}

function tally(senders, done) {
  let messages = 0, bytes = 0, sent = 0, began = 0, used = 0;
  return (data) => {
    if (data[0] === MEASURED) {
      if (messages++ === 0) [began, used] = [performance.now(), cpu()];
      bytes += data.length;
    } else if (data[0] === LAST) {
      sent += Buffer.from(data).readUInt32LE(1);
      if (--senders > 0) return;
      const seconds = (performance.now() - began) / 1000;
      done({
        messages,
        bytes,
        lost: sent - messages,
        seconds,
        cpu: cpu() - used,
      });
    }
  };
}

async function open(node, to) {
  const connection = await node.dial(multiaddr(to[0]));
  const stream = await connection.newStream(PROTOCOL);
  const channel = `${node.peerId}::dm:${connection.remotePeer}-bench`;
  return { stream, channel };
}

async function write(stream, data) {
  if (stream.send(data)) return;
  await new Promise((resolve) =>
    stream.addEventListener("drain", resolve, { once: true })
  );
}

function last(size, sent) {
  const data = Buffer.alloc(size);
  data[0] = LAST;
  data.writeUInt32LE(sent, 1);
  return data;
}

const works = {
  async "frames receive"(work) {
    const node = await create(work);
    const result = new Promise((resolve) => {
      const take = tally(work.nodes ?? 1, resolve);
      node.handle(PROTOCOL, (stream) => readFrames(stream, take));
    });
    listening(node);
    return await result;
  },

  async "frames send"({ size, ms, warmMs, to, ...work }) {
    const { stream, channel } = await open(await create(work), to);
    const rounds = Math.max(1, (64 << 10) / size | 0);
    const run = async (payload, ms) => {
      const end = performance.now() + ms;
      let sent = 0;
      for (; performance.now() < end; sent += rounds) {
        for (let i = 0; i < rounds; i++) {
          await write(stream, frame(channel, payload));
        }
      }
      return sent;
    };
    await run(Buffer.alloc(size), warmMs);
    const began = cpu();
    const sent = await run(Buffer.alloc(size).fill(MEASURED, 0, 1), ms);
    const used = cpu() - began;
    await write(stream, frame(channel, last(size, sent)));
    return { sent, cpu: used };
  },

  async "pingpong receive"(work) {
    const node = await create(work);
    node.handle(PROTOCOL, (stream) => {
      const channel = `${node.peerId}::dm:${node.peerId}-pong`;
      readFrames(stream, (data) => stream.send(frame(channel, data)));
    });
    listening(node);
  },

  async "pingpong send"({ size, count, everyMs, to, ...work }) {
    const { stream, channel } = await open(await create(work), to);
    let back;
    readFrames(stream, () => back());
    const payload = Buffer.alloc(size);
    const times = [];
    let used = 0, began = 0;
    for (let i = -count / 10; i < count; i++) {
      if (i === 0) [used, began] = [cpu(), performance.now()];
      const sent = performance.now();
      const { promise, resolve } = Promise.withResolvers();
      back = resolve;
      stream.send(frame(channel, payload));
      await promise;
      if (i >= 0) times.push(performance.now() - sent);
      if (everyMs) await delay(everyMs);
    }
    const cores = (cpu() - used) * 1000 / (performance.now() - began);
    return { ...percentiles(times), cores };
  },

  async "topic receive"({ topics = 1, ...work }) {
    const pubsub = gossipsub({ allowPublishToZeroTopicPeers: true });
    const node = await create(work, { pubsub });
    const result = new Promise((resolve) => {
      const take = tally(1, resolve);
      node.services.pubsub.addEventListener(
        "message",
        ({ detail }) => take(detail.data),
      );
    });
    for (let i = 0; i < topics; i++) {
      node.services.pubsub.subscribe(`bench-${i}`);
    }
    listening(node);
    return await result;
  },

  async "topic send"({ size, ms, topics = 1, to, ...work }) {
    const pubsub = gossipsub({ allowPublishToZeroTopicPeers: true });
    const node = await create(work, { pubsub });
    for (let i = 0; i < topics; i++) {
      node.services.pubsub.subscribe(`bench-${i}`);
    }
    await node.dial(multiaddr(to[0]));
    while (
      node.services.pubsub.getSubscribers(`bench-${topics - 1}`).length === 0
    ) await delay(10);
    await delay(1500);
    const began = cpu();
    const end = performance.now() + ms;
    let sent = 0;
    const data = Buffer.alloc(size).fill(MEASURED, 0, 1);
    for (; performance.now() < end; sent++) {
      data.writeUInt32LE(sent, 1);
      await node.services.pubsub.publish(
        `bench-${sent % topics}`,
        Uint8Array.from(data),
      );
    }
    const used = cpu() - began;
    await delay(1000);
    await node.services.pubsub.publish("bench-0", last(size, sent));
    return { sent, cpu: used };
  },

  async "start receive"({ nodes = 1, ...work }) {
    for (let i = 0; i < nodes; i++) {
      const node = await create(work);
      if (i === 0) listening(node);
    }
  },

  async "dial receive"(work) {
    listening(await create(work));
  },

  async "dial send"({ count, to, ...work }) {
    const node = await create(work);
    const times = [];
    for (let i = -count / 10; i < count; i++) {
      const began = performance.now();
      const { remotePeer } = await node.dial(multiaddr(to[0]));
      // Its identify may still be under way, whose stream then ends with an error.
      await node.hangUp(remotePeer).catch(() => {});
      if (i >= 0) times.push(performance.now() - began);
    }
    return percentiles(times);
  },
};

const work = JSON.parse(process.argv[2]);
const run = works[`${work.work} ${work.role}`];
try {
  if (!run) throw new Error(`not done: ${work.work} ${work.role}`);
  const result = await run(work);
  if (result) print({ result });
} catch (error) {
  print({ error: `${error?.message ?? error}`.slice(0, 200) });
}
process.stdin.on("end", () => process.exit(0)).resume();

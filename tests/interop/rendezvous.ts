/** Cases of rendezvous topics, with a Python node as the world or as an agent. */
import { assertEquals } from "@std/assert";
import { channel, type RosterPeer } from "../../mod.ts";
import { until } from "../support/wait.ts";
import type { Case } from "./cases.ts";
import { withPair } from "./pair.ts";

/** The cases by name. */
export const rendezvous = new Map<string, Case>();

interface PythonPeer {
  id: string;
  addrs: string[];
  connected_at: string;
  direction: "inbound" | "outbound";
  misc: number;
  relayed: boolean;
}

interface PythonRoster {
  peers: PythonPeer[];
  update_count: number;
}

function agent(id: string): PythonPeer {
  return {
    id,
    addrs: ["/ip4/192.0.2.1/udp/4001/quic-v1"],
    connected_at: "2026-11-24T09:30:00.123456789Z",
    direction: "inbound",
    misc: 1,
    relayed: false,
  };
}

function asOurs({ connected_at, ...rest }: PythonPeer): RosterPeer {
  return { ...rest, connectedAt: connected_at };
}

/** Python keeps a roster in no order. */
function sorted(peers: PythonPeer[]): PythonPeer[] {
  return peers.toSorted((a, b) => a.id < b.id ? -1 : 1);
}

rendezvous.set(
  "a roster of a Python world arrives here, and only a larger count replaces it",
  (python) =>
    withPair(python, {}, async ({ ours, theirs }) => {
      const topic = channel.topic(theirs.peerId, "rv");
      await theirs.call("subscribe_to_topic", topic);
      await ours.subscribeToTopic(topic);
      await until(async () => {
        const peers = await theirs.call<string[]>("get_topic_peers");
        return peers.includes(ours.peerId!);
      }, "Python sees its follower");
      const peers = [agent(theirs.peerId), agent(ours.peerId!)];
      const announce = (update_count: number, peers: PythonPeer[]) =>
        theirs.announce(topic, { peers, update_count });
      await until(async () => {
        await announce(2, peers);
        return ours.getRendezvousPeersInfo() !== null;
      }, "the roster is here");
      assertEquals(ours.getRendezvousPeersInfo(), {
        peers: peers.map(asOurs),
        updateCount: 2,
      });
      await announce(1, []);
      await announce(3, peers.slice(0, 1));
      await until(
        () => ours.getRendezvousPeersInfo()?.updateCount === 3,
        "the last roster is here",
      );
      assertEquals(ours.getRendezvousPeersInfo()?.peers, [asOurs(peers[0])]);
      assertEquals(ours.getMessageQueueLength(), 0);
    }),
);

rendezvous.set(
  "a roster that this module publishes arrives in Python",
  (python) =>
    withPair(python, {}, async ({ ours, theirs }) => {
      const topic = channel.topic(ours.peerId!, "rv");
      await theirs.call("subscribe_to_topic", topic);
      await ours.subscribeToTopic(topic);
      await until(
        () => ours.getTopicPeers(topic).includes(theirs.peerId),
        "this module sees its follower",
      );
      const peers = [agent(theirs.peerId), agent(ours.peerId!)];
      await ours.publishRendezvous(topic, {
        peers: peers.map(asOurs),
        updateCount: 7,
      });
      const read = () =>
        theirs.call<PythonRoster | null>("get_rendezvous_peers_info");
      await until(async () => (await read()) !== null, "Python has the roster");
      const roster = (await read())!;
      assertEquals(roster.update_count, 7);
      assertEquals(sorted(roster.peers), sorted(peers));
    }),
);

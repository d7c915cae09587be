/** What a process of bench/faults can be told to do: the orders of `peer.ts`, what they are given and what they answer. */
import type { CloseOptions, LibrarySettings, P2POptions } from "../../mod.ts";
import type { FlowSpec } from "./flow.ts";
import type { Sent, Told } from "./ledger.ts";
import type { ReaderSpec } from "./reader.ts";

type Answer<T> = T | Promise<T>;

/** Names a node. */
interface Named {
  name: string;
}

/** What a node knows of what it has sent and read. */
export interface State {
  flows: (Sent & { flow: number; codes: Record<string, number> })[];
  told: Told[];
  warnings: string[];
  /** How many messages the program has taken. */
  taken: number;
  /** How many wait in the mailbox. */
  waiting: number;
  /** Who is connected. */
  peers: string[];
}

/** What the library holds, over the whole process. */
export interface Inside {
  goroutines: number;
  chunks: number;
  heapMB: number;
}

/** The orders. */
export interface Orders {
  /** Sets what all nodes of the process share, before the first of them. */
  setup(settings: LibrarySettings): void;
  /** Makes a node and gives it a name. */
  create(
    given: Named & { options: Partial<P2POptions> },
  ): Answer<{ peerId: string; addresses: string[] }>;
  connect(
    given: Named & { addresses: string[]; timeout?: number },
  ): Answer<void>;
  /** Answers how long it took. */
  disconnect(given: Named & { peer: string }): Answer<number>;
  /** Begins to read. */
  read(given: Named & ReaderSpec): void;
  /** Reads without pauses from now on. */
  hurry(given: Named): void;
  /** Begins to send. */
  send(given: Named & { spec: FlowSpec }): void;
  /** Connects to a peer and sends it one message. */
  greet(given: Named & { addresses: string[] }): Answer<void>;
  /** Takes a place at a relay; answers the addresses by way of it. */
  reserve(given: Named & { relay: string }): Answer<string[]>;
  /** Answers once there is a WebRTC channel to a peer. */
  channelled(given: Named & { peer: string }): Answer<void>;
  /** Subscribes to a topic. */
  subscribe(given: Named & { topic: string }): Answer<void>;
  /** Answers once so many others are in a topic that the node is in. */
  joined(given: Named & { topic: string; count: number }): Answer<void>;
  /** Lets all flows of a node end. */
  stop(given: Named): void;
  /** Answers when nothing more is sent. */
  sent(given: Named): Answer<void>;
  /** How many messages of each flow were accepted so far. */
  accepted(given: Named): number[];
  close(
    given: Named & { options?: CloseOptions },
  ): Answer<{ ms: number; confirmation: string }>;
  /** Answers when a node that was closed has nothing left to read. */
  taken(given: Named): Answer<void>;
  state(given: Named): State;
  /** Forgets a node that was closed. */
  forget(given: Named): void;
  /** Gives back to the system what was let go, and answers what is left. */
  inside(given: Record<never, never>): Answer<Inside>;
}

/** What an order is given. */
export type Given<K extends keyof Orders> = Parameters<Orders[K]>[0];

/** What an order answers. */
export type Answered<K extends keyof Orders> = Awaited<ReturnType<Orders[K]>>;

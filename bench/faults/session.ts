/** Nodes in processes that send each other numbered messages, and the accounts of what came of those. */
import { join } from "@std/path";
import { statSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { P2POptions } from "../../mod.ts";
import { makeFolder, removeFolder } from "../../tests/support/node.ts";
import type { Peer } from "./control.ts";
import { type FlowSpec, topicOf } from "./flow.ts";
import {
  type Account,
  isCertain,
  judge,
  Ledger,
  sum,
  type Tellings,
  tellings,
  type Told,
} from "./ledger.ts";
import { Party } from "./party.ts";
import { countLog, readLog } from "./reader.ts";

/** What came of the messages from one node to another. */
export interface Verdict {
  from: string;
  to: string;
  account: Account;
  told: Tellings;
  broken: string[];
}

let flows = 0;

/** Nodes and flows that belong together. */
export class Session implements AsyncDisposable {
  /** The topic that was published on last. */
  topic?: string;
  readonly #folder = makeFolder();
  readonly #parties: Party[] = [];
  readonly #flows: { spec: FlowSpec; from: Party; to: Party }[] = [];

  /** Makes a node; one that was there before takes down what it reads behind what was read then. */
  async join(
    peer: Peer,
    options: Partial<P2POptions>,
    before?: Party,
  ): Promise<Party> {
    const log = before?.log ?? join(this.#folder, `${this.#parties.length}`);
    if (!before) writeFileSync(log, "");
    const party = await Party.create(peer, log, options);
    this.#parties.push(party);
    return party;
  }

  /** A folder for the identity of a node that is to come back. */
  folder(name: string): string {
    return join(this.#folder, name);
  }

  /** Begins to send messages from one node to another. */
  async send(
    from: Party,
    to: Party,
    how: Omit<FlowSpec, "flow" | "to">,
  ): Promise<void> {
    const spec = { ...how, flow: ++flows, to: to.peerId };
    this.#flows.push({ spec, from, to });
    await from.order("send", { spec });
  }

  /** Begins to send messages that are not judged, from a node that will be killed. */
  async answer(
    from: Party,
    to: Party,
    how: Omit<FlowSpec, "flow" | "to">,
  ): Promise<void> {
    const spec = { ...how, flow: ++flows, to: to.peerId };
    await from.order("send", { spec });
  }

  /** Waits until a node has read something more; answers whether it did in time. */
  async arrival(to: Party, ms = 10_000): Promise<boolean> {
    const { size } = statSync(to.log);
    const end = performance.now() + ms;
    while (performance.now() < end) {
      if (statSync(to.log).size > size) return true;
      await delay(5);
    }
    return false;
  }

  /** Begins to publish messages on a topic that the others have subscribed to. */
  async publish(
    from: Party,
    to: Party[],
    how: Omit<FlowSpec, "flow" | "to" | "way">,
  ): Promise<void> {
    const spec: FlowSpec = { ...how, flow: ++flows, to: "", way: "topic" };
    const topic = topicOf(from.peerId, spec.flow);
    this.topic = topic;
    for (const party of to) this.#flows.push({ spec, from, to: party });
    for (const party of [from, ...to]) {
      await party.order("subscribe", { topic });
    }
    await from.order("joined", { topic, count: to.length });
    await from.order("send", { spec });
  }

  /** How many messages all flows have had accepted so far. */
  async accepted(): Promise<number> {
    const senders = new Set(this.#flows.map(({ from }) => from));
    let count = 0;
    for (const from of senders) {
      if (from.peer.gone) continue;
      for (const accepted of await from.order("accepted", {})) {
        count += accepted;
      }
    }
    return count;
  }

  /**
   * Waits until all that was accepted has arrived, but for what was told as lost for certain; or until nothing has arrived for `ms`, or
   * for a third of that once all may be accounted for.
   */
  async settled(ms = 3000): Promise<void> {
    let before = -1;
    for (let moved = performance.now();;) {
      const arrived = this.#arrived();
      const { accepted, exact, upTo } = await this.#expected();
      if (arrived >= accepted - exact) return;
      if (arrived !== before) moved = performance.now();
      before = arrived;
      const patience = arrived + upTo >= accepted - exact ? ms / 3 : ms;
      if (performance.now() - moved > patience) return;
      await delay(20);
    }
  }

  /** What came of the messages, for each pair of nodes. */
  async verdicts(): Promise<Verdict[]> {
    const told = await this.#told();
    const pairs = Map.groupBy(
      this.#flows,
      ({ from, to }) => `${from.peerId} ${to.peerId}`,
    );
    const ledgers = await this.#ledgers();
    return [...pairs.values()].map((group) => {
      const [{ from: { peerId: from }, to: { peerId: to } }] = group;
      const account = sum(
        group.map(({ spec }) => ledgers.get(spec.flow)!.account()),
      );
      const all = tellings(told.get(from)!, told.get(to) ?? [], from, to);
      return { from, to, account, told: all, broken: judge(account, all) };
    });
  }

  /** What came of all messages, and what is wrong between any two. */
  async total(): Promise<Pick<Verdict, "account" | "told" | "broken">> {
    const verdicts = await this.verdicts();
    const told = { exact: 0, upTo: 0, there: 0 };
    for (const verdict of verdicts) {
      for (const key of Object.keys(told) as (keyof Tellings)[]) {
        told[key] += verdict.told[key];
      }
    }
    return {
      account: sum(verdicts.map(({ account }) => account)),
      told,
      broken: verdicts.flatMap(({ broken }) => broken),
    };
  }

  /** Stops all flows, lets what was accepted arrive, and closes the nodes; answers what was wrong with that. */
  async end(timeout: number): Promise<string[]> {
    const broken: string[] = [];
    const parties = this.#parties.filter(({ peer }) => !peer.gone);
    await Promise.all(parties.map((party) => party.order("stop", {})));
    await Promise.all(parties.map((party) => party.order("sent", {})));
    await this.settled();
    for (const party of parties) {
      broken.push(...(await party.close(timeout)).broken);
    }
    await this.settled();
    return broken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const party of this.#parties) await party.leave().catch(() => {});
    removeFolder(this.#folder);
  }

  #arrived(): number {
    const logs = new Set(this.#parties.map(({ log }) => log));
    return [...logs].reduce(
      (count, log) => count + countLog(statSync(log).size),
      0,
    );
  }

  async #expected() {
    const count = { accepted: 0, exact: 0, upTo: 0 };
    for (const party of this.#parties) {
      if (party.peer.gone && !party.final) continue;
      const { flows, told } = await party.state();
      for (const { next, refused, pending } of flows) {
        count.accepted += next - refused.length - pending;
      }
      for (const telling of told) {
        count[isCertain(telling) ? "exact" : "upTo"] += telling.messages;
      }
    }
    return count;
  }

  /** What each node has told, over all of its lives. */
  async #told(): Promise<Map<string, Told[]>> {
    const told = new Map<string, Told[]>();
    for (const party of this.#parties) {
      if (party.peer.gone && !party.final) continue;
      const before = told.get(party.peerId) ?? [];
      told.set(party.peerId, [...before, ...(await party.state()).told]);
    }
    return told;
  }

  async #ledgers(): Promise<Map<number, Ledger>> {
    const ledgers = new Map<number, Ledger>();
    for (const { spec, from } of this.#flows) {
      const { flows } = await from.state();
      const sent = flows.find(({ flow }) => flow === spec.flow)!;
      ledgers.set(spec.flow, new Ledger(spec, sent));
    }
    for (const log of new Set(this.#parties.map(({ log }) => log))) {
      for (const [flow, number, length, intact] of readLog(log)) {
        ledgers.get(flow)?.arrive(number, length, intact === 1);
      }
    }
    return ledgers;
  }
}

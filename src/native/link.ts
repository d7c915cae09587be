/**
 * The link of this isolate, the one user of the native binding: it opens with the first node, serves all of them, and closes
 * with the last.
 *
 * @module
 */

import { clearImmediate, setImmediate } from "node:timers";
import type { Call } from "../deadline.ts";
import { P2PError, type P2PErrorCode } from "../errors.ts";
import type { NativeBinding, WakeSocket } from "./binding.ts";
import { ABI, encodeJson, Op, RequestWriter } from "./codec.ts";
import {
  Inbox,
  type InletSink,
  type NodeSink,
  type OutletSink,
} from "./inbox.ts";
import { loadBinding, mismatchRemedy } from "./library.ts";
import { acceptWake } from "./loopback.ts";
import { Pace, SLEEP } from "./pace.ts";
import { registry, settingsInUse, warn } from "./registry.ts";
import { type Request, Requests } from "./requests.ts";
import { SlotTable } from "./slots.ts";

/** How much is drained before the program's timers and sockets get their turn. */
const TURN_BYTES = 256 << 10;

/** How much credit is worth waking Go for. */
const CREDIT_BATCH = 256 << 10;

/** What the negative answers of the C functions mean (`docs/boundary.md`). */
const REFUSALS: Record<number, [P2PErrorCode, string]> = {
  [-1]: ["CLOSED", "the link is closed"],
  [-2]: ["STREAM_FAILED", "the outlet is closed"],
  [-3]: ["INTERNAL", "a detached record was not taken"],
  [-4]: ["INTERNAL", "an argument is out of range"],
  [-5]: ["LIMIT", "out of memory or descriptors"],
};

/** What `p2p_fd` answers where the wake socket has no descriptor, as on Windows. */
const NOTHING_TO_ADOPT = -4;

/** The link as its users see it: it may belong to another copy of this module, whose private members are not ours. */
export type Link = Pick<LinkOfIsolate, keyof LinkOfIsolate>;

/** The link of this isolate, to be given back by `release`. */
export function useLink(): Link {
  const link = registry().link ??= new LinkOfIsolate();
  link.use();
  return link;
}

class LinkOfIsolate {
  /** Resolves when the link is open. */
  readonly ready: Promise<void>;
  /** The sending slots. */
  readonly slots: SlotTable = new SlotTable((slot, name) =>
    this.#check(this.#binding.channel(this.#handle, slot, name, name.length))
  );

  readonly #requests = new Requests((id) => this.submit(Op.CANCEL, id));
  readonly #inbox = new Inbox(this.#requests);
  readonly #pace = new Pace();
  readonly #writer = new RequestWriter();
  #binding!: NativeBinding;
  #socket?: WakeSocket;
  #socketClosed?: Promise<void>;
  #handle = 0;
  #state: "opening" | "open" | "closed" = "opening";
  #turn = 0;
  #users = 0;
  #holds = 0;
  #rings = false;
  /** The cost of the credit that was given since the doorbell rang. */
  #given = 0;
  #resume?: ReturnType<typeof setImmediate>;

  constructor() {
    this.ready = this.#start();
    this.ready.catch(() => {});
  }

  /** Counts one who uses the link, until `release`. */
  use(): void {
    this.#users++;
  }

  /** Name and version of the runtime. */
  get runtime(): string {
    return this.#binding.runtime;
  }

  /** Grows with each turn of the event loop that hands on records. */
  get turn(): number {
    return this.#turn;
  }

  /** The nodes, by handle. */
  get nodes(): Map<number, NodeSink> {
    return this.#inbox.nodes;
  }

  /** The inlets, by handle. */
  get inlets(): Map<number, InletSink> {
    return this.#inbox.inlets;
  }

  /** The outlets, by handle. */
  get outlets(): Map<number, OutletSink> {
    return this.#inbox.outlets;
  }

  /** Gives the link back; when this was its last user it closes, and an open one is waited for. */
  async release(): Promise<void> {
    const shared = registry();
    if (--this.#users > 0 || this.#state === "closed") return;
    if (shared.link === this) shared.link = undefined;
    const waitFor = this.#state === "open";
    shared.closing = this.ready.then(() => this.#close(), () => {});
    if (waitFor) await shared.closing;
  }

  /** Sends a request; the promise settles with its answer, or with the end of the call, which cancels it. */
  request<T = void>(call: Call, request: Request<T>): Promise<T> {
    this.hold();
    const { id, promise } = this.#requests.enter(
      call,
      request,
      () => this.drop(),
    );
    const { op, node = 0, body } = request;
    try {
      this.#submit(this.#writer.write(op, id, node, body), call.operation);
    } catch (error) {
      this.#requests.refuse(id, error);
    }
    return promise;
  }

  /** Sends a record that nobody answers; nothing once the link is closed. */
  submit(op: number, handle: number, body?: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#submit(this.#writer.write(op, 0, handle, body));
  }

  /** Gives credit back. A little of it waits until the doorbell rings for something else: Go need not wake for it. */
  credit(inlet: number, cost: number): void {
    if (this.#state !== "open") return;
    this.#queue(this.#writer.writeCredit(inlet, cost));
    this.#given += cost;
    if (this.#given >= CREDIT_BATCH && !this.#rings) this.#ring();
  }

  /** Makes an outlet. */
  openOutlet(sink: OutletSink): number {
    const outlet = this.#check(this.#binding.outlet(this.#handle));
    this.outlets.set(outlet, sink);
    return outlet;
  }

  /** Lets an outlet go; what it holds is still sent. */
  closeOutlet(outlet: number): void {
    this.outlets.delete(outlet);
    this.submit(Op.OUTLET_CLOSE, outlet);
  }

  /** Appends a message of a length that was measured (`byteLengthOf`) to an outlet; returns the bytes outstanding there. */
  send(
    outlet: number,
    slot: number,
    payload: Uint8Array,
    length: number,
  ): number {
    const outstanding = this.#binding.send(
      this.#handle,
      outlet,
      slot,
      payload,
      length,
    );
    if (!this.#rings) this.#ring();
    return this.#check(outstanding, "sendMessageToPeer");
  }

  /** Whether fewer than `below` bytes are outstanding; if not, and always for 0, the outlet's `room` will be called once. */
  hasRoom(outlet: number, below: number): boolean {
    return this.#check(this.#binding.wait(this.#handle, outlet, below)) === 1;
  }

  /** Keeps the process alive until `drop`. */
  hold(): void {
    if (this.#holds++ === 0) this.#socket?.ref();
  }

  /** Takes back one `hold`. */
  drop(): void {
    if (--this.#holds === 0) this.#socket?.unref();
  }

  /** Forgets a node that has ended: what was still asked of it fails. */
  forget(node: number): void {
    this.nodes.delete(node);
    this.#requests.fail("the node is closed", node);
  }

  /** Ends the link at once: what waits for an answer fails, and Go closes what it still holds. */
  end(reason: string): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearImmediate(this.#resume);
    this.#binding.close(this.#handle);
    this.#socketClosed = this.#socket?.close();
    this.#requests.fail(reason);
  }

  async #start(): Promise<void> {
    const shared = registry();
    await shared.closing;
    shared.binding ??= load();
    try {
      this.#binding = await shared.binding;
    } catch (error) {
      shared.binding = undefined;
      throw error;
    }
    const abi = this.#binding.abi();
    if (abi !== ABI) {
      throw new P2PError(
        "LIBRARY_MISMATCH",
        `the native library speaks ABI ${abi}, this module ABI ${ABI}: ` +
          mismatchRemedy(settingsInUse().library),
        { operation: "create" },
      );
    }
    this.#handle = this.#check(this.#binding.open(this.#binding.openFlags));
    try {
      this.#socket = await this.#wakeSocket();
    } catch (error) {
      this.end("the link could not be opened");
      throw error;
    }
    if (this.#holds === 0) this.#socket.unref();
    this.#state = "open";
    if (shared.settings) this.#setup();
    this.#drain();
  }

  /** The wake socket, adopted where the library has one, which it says itself. */
  async #wakeSocket(): Promise<WakeSocket> {
    const fd = this.#binding.fd(this.#handle);
    if (fd !== NOTHING_TO_ADOPT) {
      return await this.#binding.adopt(this.#check(fd), this.#wake);
    }
    return await acceptWake((port, token) => {
      const { length } = token;
      this.#check(this.#binding.wake(this.#handle, port, token, length));
    }, this.#wake);
  }

  #setup(): void {
    const { maxInstances, maxMessageSize, logLevel, pprof } = settingsInUse();
    this.request({ operation: "setupLibrary" }, {
      op: Op.SETUP,
      body: encodeJson({ maxInstances, maxMessageSize, logLevel, pprof }),
      accept: (answer) => {
        if ((answer as { applied: boolean }).applied) return;
        warn("setupLibrary: this process has other settings already");
      },
    }).catch((error: P2PError) => {
      // The link's users are told of its end themselves.
      if (error.code !== "CLOSED") warn(`setupLibrary: ${error.message}`);
    });
  }

  async #close(): Promise<void> {
    this.end("the link is closed");
    await this.#socketClosed;
    if (!this.#binding.unload) return;
    registry().binding = undefined;
    this.#binding.unload();
  }

  /** The link has ended without being asked to, and its nodes with it. */
  #lose(reason: string): void {
    const shared = registry();
    if (shared.link === this) shared.link = undefined;
    shared.closing = this.#close();
    for (const node of [...this.nodes.values()]) node.lost(reason);
  }

  readonly #wake = (): void => {
    this.#pace.woke();
    this.#drain();
  };

  readonly #drain = (): void => {
    clearImmediate(this.#resume);
    this.#turn++;
    let wait = this.#pace.next();
    for (let bytes = 0; bytes < TURN_BYTES;) {
      if (this.#state !== "open") return;
      const drained = this.#inbox.drain(this.#binding, this.#handle, wait);
      if (drained < 0) return this.#lose(`p2p_drain answered ${drained}`);
      if (drained === 0) {
        if (wait === SLEEP) return this.#pace.sleeps();
        break;
      }
      if (bytes === 0) wait = this.#pace.active(drained, this.#inbox.direct);
      bytes += drained;
    }
    if (this.#state === "open") this.#resume = setImmediate(this.#drain);
  };

  #submit(request: RequestWriter, operation?: string): void {
    this.#queue(request, operation);
    if (!this.#rings) this.#ring();
  }

  #queue({ record, length }: RequestWriter, operation?: string): void {
    if (this.#state !== "open") this.#check(-1, operation);
    this.#check(this.#binding.submit(this.#handle, record, length), operation);
  }

  /** One doorbell a microtask: it costs a third of the speed of small messages to ring for each. */
  #ring(): void {
    this.#rings = true;
    queueMicrotask(() => {
      this.#rings = false;
      this.#given = 0;
      if (this.#state === "open") this.#binding.ring(this.#handle);
    });
  }

  #check(answer: number, operation = "link"): number {
    if (answer >= 0) return answer;
    const [code, message] = REFUSALS[answer] ??
      ["INTERNAL", `the library answered ${answer}`];
    throw new P2PError(code, message, { operation });
  }
}

/** Loads the library of this isolate and sees to it that a restart of the isolate ends its link. */
async function load(): Promise<NativeBinding> {
  const binding = await loadBinding(settingsInUse());
  binding.onUnload(() => registry().link?.end("the program restarts"));
  return binding;
}

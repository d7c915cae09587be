/**
 * A program with the types of the web, wherever they come from: those of this package go together with them. Compiled as others
 * would compile it, never run.
 */
import {
  type CallOptions,
  type ConnectedPeer,
  type Message,
  P2P,
  type P2PEventMap,
} from "@unaiverse/p2p";

/** What a message holds is taken by all that take bytes. */
export async function use({ data }: Message): Promise<unknown[]> {
  const { port1 } = new MessageChannel();
  port1.postMessage(data, [data.buffer]);
  return [
    await crypto.subtle.digest("SHA-256", data),
    new Blob([data]),
    new File([data], "payload"),
    await new Response(data).arrayBuffer(),
    structuredClone(data, { transfer: [data.buffer] }),
    new DataView(data.buffer, data.byteOffset, data.byteLength),
  ];
}

export async function end(given: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([given, AbortSignal.timeout(1000)]);
  const options: CallOptions = { signal };
  const identityDir = new URL("alice", import.meta.url);
  await using node = await P2P.create({ identityDir }, options);
  const target: EventTarget = node;
  target.dispatchEvent(new Event("readable"));
  for await (const { from } of node.messages({ signal })) {
    await node.disconnectFrom(from, { signal: new AbortController().signal });
  }
  options.signal?.throwIfAborted();
}

export function listen(node: P2P, signal: AbortSignal): void {
  const onPeer = (event: CustomEvent<ConnectedPeer>) => void event.detail.id;
  node.addEventListener("peerconnect", onPeer, { signal });
  node.addEventListener("readable", (event: Event) => event.preventDefault());
  const told: P2PEventMap["close"] = new CustomEvent("close", {
    detail: { reason: "over" },
  });
  node.dispatchEvent(told);
  // @ts-expect-error: a peer is no roster.
  node.addEventListener("rendezvous", onPeer);
}

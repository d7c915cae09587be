/**
 * A program that names no type of the web, so that it compiles with those of the language alone. It is compiled as others would
 * compile it, never run; an error that is expected and does not come is one.
 */
import {
  channel,
  type ConnectedPeer,
  type DropDetail,
  type LibrarySettings,
  type Message,
  P2P,
  P2PError,
  type P2PEventMap,
  type P2POptions,
  presets,
  type Roster,
  type Sender,
} from "@unaiverse/p2p";
import "@unaiverse/p2p/compile";
import type { main } from "@unaiverse/p2p/install";
import * as messages from "@unaiverse/p2p/messages";

type IsAny<T> = 0 extends T & 1 ? true : false;
/** What the types of this package come to where something that they name is not found. */
type AnyOf<T> = { [Name in keyof T]: IsAny<T[Name]> }[keyof T];

export const nothingIsAny: false[] = [] as (
  | AnyOf<typeof P2P>
  | AnyOf<P2P>
  | AnyOf<P2PEventMap>
  | AnyOf<Message>
  | AnyOf<Sender>
  | AnyOf<Required<P2POptions>>
  | AnyOf<Required<LibrarySettings>>
  | AnyOf<typeof messages>
  | IsAny<ReturnType<typeof main>>
)[];

const settings: LibrarySettings = {
  library: "/opt/libunaiverse_p2p.so",
  logger: ({ level, fields }) => void [level, fields],
};

export async function talk(options: P2POptions): Promise<string> {
  P2P.setupLibrary(settings);
  await using node = await P2P.create({ ...options, ...presets.unaiverse });
  const peer = await node.connectTo([...node.addresses], { timeout: 5000 });
  await node.send(peer.id, new Uint8Array(3), { topic: "moves" });
  await using sender: Sender = node.sender(
    channel.direct(peer.id, peer.id, "moves"),
  );
  if (!sender.send("text")) await sender.whenReady();
  let text = "";
  await using taken = node.messages({ from: peer.id });
  for await (const message of taken) {
    const data: Uint8Array<ArrayBuffer> = message.data;
    text += message.text() + data.buffer.byteLength;
  }
  const first: Message | undefined = node.popMessages()[0];
  const roster: Roster | null = node.getRendezvousPeersInfo();
  return `${text} ${first?.channel} ${roster?.updateCount}`;
}

export function listen(node: P2P): void {
  const onPeer = ({ detail }: { detail: ConnectedPeer }) => void detail.id;
  node.addEventListener("peerconnect", onPeer, { once: true });
  node.removeEventListener("peerconnect", onPeer);
  node.addEventListener("drop", {
    handleEvent({ detail, type }) {
      const drop: DropDetail = detail;
      return void [drop.messages, type];
    },
  });
  // @ts-expect-error: there is no such event.
  node.addEventListener("peerconnected", () => {});
  // @ts-expect-error: there is no such field.
  node.addEventListener("drop", ({ detail }) => void detail.peer);
  // @ts-expect-error: there is no such field.
  node.addEventListener("readable", (event) => void event.detail);
  // @ts-expect-error: a node is not made by new.
  new P2P();
}

export function explain(error: unknown): string {
  if (!(error instanceof P2PError)) return String(error);
  return `${error.code} ${error.operation} ${error.peerId ?? "nobody"}`;
}

export function pack(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { content } = messages.decodeMessage(bytes);
  return messages.encodeMessage({
    sender: "alice",
    contentType: "stream_sample",
    content: content.kind === "samples" ? content : {
      kind: "samples",
      samples: { camera: { data: messages.tensor(new Float32Array(2), [2]) } },
    },
  });
}

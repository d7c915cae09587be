/** Dialling, shaking hands and closing, one after the other. */
import { createNode } from "../../../tests/support/node.ts";
import { percentiles, type Work } from "./work.ts";

export async function dial({ transport, to, count }: Work) {
  const node = await createNode({ transports: [transport] });
  const times: number[] = [];
  for (let i = -count / 10; i < count; i++) {
    const began = performance.now();
    const { id } = await node.connectTo(to);
    await node.disconnectFrom(id);
    if (i >= 0) times.push(performance.now() - began);
  }
  return percentiles(times);
}

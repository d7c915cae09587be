/** Tells what of the native library there is before the first node, and with two. */
import { registry } from "../../src/native/registry.ts";
import { inspect } from "../support/inspect.ts";
import { createNode } from "../support/node.ts";

const loaded = () => registry().binding !== undefined;
const before = { loaded: loaded() };
await using _alice = await createNode();
await using _bob = await createNode();
const { nodes, links } = await inspect();
console.log(
  JSON.stringify({ before, with: { loaded: loaded(), nodes, links } }),
);

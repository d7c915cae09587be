/** Every case, by its name: what is proved about this module beside a Python node. */
import { direct } from "./direct.ts";
import { messages } from "./messages.ts";
import type { Python } from "./python.ts";
import { relay } from "./relay.ts";
import { rendezvous } from "./rendezvous.ts";
import { topics } from "./topics.ts";

/** A case; it fails by throwing. */
export type Case = (python: Python) => Promise<void>;

/** All of them, in the order in which they run. */
export const cases: ReadonlyMap<string, Case> = new Map([
  ...direct,
  ...topics,
  ...rendezvous,
  ...relay,
  ...messages,
]);

/** A node that is not closed until a timer does it that keeps nothing alive by itself: `alive.ts <identity folder>`. */
import process from "node:process";
import { setTimeout } from "node:timers";
import { createNode } from "../support/node.ts";

const node = await createNode({ identityDir: process.argv[2] });
node.unref();
node.ref();
setTimeout(() => {
  console.log("still alive");
  node.close();
}, 500).unref();

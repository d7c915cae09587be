/** WebAssembly beside the library, then a timer: `wasm.ts <identity folder>`. */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { createNode } from "../support/node.ts";

// (module (func (export "add") (param i32 i32) (result i32)
//   local.get 0 local.get 1 i32.add))
const code = [
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 7, 1, 96, 2, 127, 127, 1, 127],
  ...[3, 2, 1, 0],
  ...[7, 7, 1, 3, 97, 100, 100, 0, 0],
  ...[10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11],
];
await using _node = await createNode({ identityDir: process.argv[2] });
const { instance } = await WebAssembly.instantiate(Uint8Array.from(code));
const add = instance.exports.add as (a: number, b: number) => number;
let sum = 0;
for (let i = 0; i < 1_000_000; i++) sum = add(sum, 1);
await delay(1);
console.log(sum);

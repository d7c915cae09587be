/**
 * Runs the cases behind routers, with a relay and a STUN server in between, and tells on stdout how each went. Takes the Python
 * command and the folder of its package.
 */
import process from "node:process";
import { startStun } from "../support/stun.ts";
import { PUBLIC } from "./lab.ts";
import { createRelay, natCases } from "./nat_cases.ts";
import { tellOf } from "./run.ts";

const [python, folder] = process.argv.slice(2);
await using relay = await createRelay();
const stun = await startStun(PUBLIC, 3478);
const lab = { relay, python, folder };
await tellOf([...natCases].map(([name, run]) => [name, () => run(lab)]));
stun.close();

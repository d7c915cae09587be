/**
 * Runs the cases beside a Python process and tells on stdout how each went. Takes the Python command and the folder of the
 * package.
 */
import process from "node:process";
import { cases } from "./cases.ts";
import { Python } from "./python.ts";
import { tellOf } from "./run.ts";

const [command, folder] = process.argv.slice(2);
await using python = new Python(command, folder);
await tellOf([...cases].map(([name, run]) => [name, () => run(python)]));

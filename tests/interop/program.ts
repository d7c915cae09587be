/**
 * Runs the cases beside a Python process and tells on stdout how each went. Takes the Python command and the folder of the
 * package.
 */
import process from "node:process";
import { cases, type Result } from "./cases.ts";
import { Python } from "./python.ts";

const [command, folder] = process.argv.slice(2);
await using python = new Python(command, folder);
for (const [name, run] of cases) {
  const result: Result = { name };
  try {
    await run(python);
  } catch (error) {
    result.error = error instanceof Error ? error.stack : String(error);
  }
  console.log(JSON.stringify(result));
}

/**
 * This module and the Python node speak with each other. The cases are beside this file, by what they are about; `program.ts`
 * runs them where both are cut off from every network, and here each is a test.
 */
import { cases } from "./cases.ts";
import { testCases } from "./run.ts";
import { setUp } from "./setup.ts";

testCases([...cases.keys()], "program.ts", setUp(), 120_000);

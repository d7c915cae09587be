/**
 * Nodes behind two routers with address translation, which know each other by way of a relay alone: how fast the first message
 * arrives, how fast they find a direct way, and that nothing is lost when they go over to it.
 */
import { NAMES } from "./nat_cases.ts";
import { testCases } from "./run.ts";
import { setUpLab } from "./setup.ts";

testCases([...NAMES], "nat.ts", setUpLab(), 240_000);

/** A Worker with traffic in it; says when it runs. */
import { parent } from "../../tests/support/worker.ts";
import { startTraffic } from "./traffic.ts";

await startTraffic();
parent().postMessage("running");

/** A Worker with traffic in it; says when it runs. */
import { startTraffic } from "./traffic.ts";

await startTraffic();
postMessage("running");

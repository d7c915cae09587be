/** The most memory that this process has had resident until now, in MB. */
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";

const STATUS = "/proc/self/status";

/** On Linux `maxRSS` begins with what the parent had, so it is asked of the system there. */
export function peakMB(): number {
  const { maxRSS } = process.resourceUsage();
  if (!existsSync(STATUS)) return maxRSS / 1024;
  const found = /VmHWM:\s+(\d+)/.exec(readFileSync(STATUS, "utf8"));
  return Number(found?.[1] ?? maxRSS) / 1024;
}

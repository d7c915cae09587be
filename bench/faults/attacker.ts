/** The peer that does what no honest peer does: `go/`, built on first use. */
import { join } from "@std/path";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const SOURCES = join(import.meta.dirname!, "go");
const PROGRAM = join(
  import.meta.dirname!,
  "..",
  "..",
  ".cache",
  "bench",
  "attacker",
);
/** The victim's processor time is what matters, not who gets most of a small machine. */
const NICE = "10";

/** What an attacker does. */
export interface Attack {
  kind: string;
  /** The victim's address. */
  to: string;
  /** How many identities take part. */
  peers: number;
  /** A topic that the victim is in. */
  topic: string;
}

/** Builds the program. */
export async function buildAttacker(): Promise<void> {
  const args = ["build", "-trimpath", "-o", PROGRAM, "."];
  await promisify(execFile)("go", args, { cwd: SOURCES });
}

/** An attack under way. */
export class Attacker {
  /** Called with the addresses of a peer that wants to be visited. */
  onvisit?: (addresses: string[]) => void;
  readonly #child: ChildProcess;
  readonly #ended: Promise<Record<string, number>>;

  constructor(attack: Attack) {
    const args = ["-n", NICE, PROGRAM, JSON.stringify(attack)];
    this.#child = spawn("nice", args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#ended = new Promise((resolve, reject) => {
      const lines = createInterface({ input: this.#child.stdout! });
      lines.on("line", (text) => {
        const line = JSON.parse(text);
        if (line.visit) this.onvisit?.(line.visit);
        if (line.done) resolve(line.done);
        if (line.error) reject(new Error(line.error));
      });
      const gone = () => reject(new Error("the attacker has ended"));
      this.#child.once("close", gone);
    });
    this.#ended.catch(() => {});
  }

  /** Ends the attack; answers what was done. */
  async end(): Promise<Record<string, number>> {
    this.#child.stdin!.end();
    return await this.#ended;
  }
}

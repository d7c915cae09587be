/** The README's first program in a process of its own, line by line. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";

const DEADLINE = 60_000;

/** A process of the program. */
export interface Hello {
  /** The next line that matches. */
  line(wanted: RegExp): Promise<RegExpExecArray>;
  end(): Promise<void>;
}

/** Starts the program by a command, the last of whose words is the name of who speaks, or its address behind that. */
export function startHello(
  [path, ...args]: string[],
  { cwd, env = process.env }: { cwd: string; env?: NodeJS.ProcessEnv },
): Hello {
  const child = spawn(path, args, {
    cwd,
    env: { ...env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const deadline = setTimeout(() => child.kill("SIGKILL"), DEADLINE);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => stderr += text);
  const ended = endOf(child);
  const input = createInterface({ input: child.stdout });
  const lines = input[Symbol.asyncIterator]();
  return {
    async line(wanted) {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) {
          const command = [path, ...args].join(" ");
          throw new Error(`${command} never said ${wanted}: ${stderr}`);
        }
        const found = wanted.exec(value);
        if (found) return found;
      }
    },
    async end() {
      clearTimeout(deadline);
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Starts the program twice: alice waits, bob greets her and is answered, each by the peer that the other says it is. */
export async function converse(
  alice: () => Hello,
  bob: (address: string) => Hello,
): Promise<{ greeted: boolean; answered: boolean }> {
  const waiting = alice();
  try {
    const [, address, aliceId] = await waiting.line(
      /^alice listens on (\S+\/p2p\/(\w+))$/,
    );
    const greeting = bob(address);
    try {
      const [, bobId] = await greeting.line(/^bob listens on \S+\/p2p\/(\w+)$/);
      const [, greeter] = await waiting.line(/^(\w+) says: hello from bob$/);
      const [, answerer] = await greeting.line(
        /^(\w+) says: hello, this is alice$/,
      );
      return { greeted: greeter === bobId, answered: answerer === aliceId };
    } finally {
      await greeting.end();
    }
  } finally {
    await waiting.end();
  }
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve());
  });
}

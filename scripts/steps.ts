/**
 * What the test command is made of: running a command as a step, and reading the
 * counts out of what the test runners print.
 *
 * @module
 */
import { spawn } from "node:child_process";
import process from "node:process";

/** How many tests of a step passed and failed; a step without tests counts as one. */
export interface Counts {
  passed: number;
  failed: number;
}

/** What a step came to; the output is shown when something failed. */
export interface Outcome extends Counts {
  output: string;
}

/** What a finished command said and how it ended. */
export interface Finished {
  code: number;
  output: string;
}

/** Long enough for a cold Go build with the race detector on two cores. */
const DEADLINE = 15 * 60_000;

/**
 * Runs a command to its end and collects both of its outputs. Lines that tell of
 * a download are shown at once, so that a long wait explains itself. After
 * `deadline` milliseconds it is killed.
 */
export function run(
  command: string,
  args: string[],
  options: { cwd: string; env?: Record<string, string>; deadline?: number },
): Promise<Finished> {
  const { deadline: patience = DEADLINE } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: "1", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const collect = (text: string) => {
      output += text;
      for (const line of text.split("\n")) {
        if (/^(go: downloading|Download) /.test(line)) console.log(`  ${line}`);
      }
    };
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    const deadline = setTimeout(() => {
      output += `\nkilled after ${patience / 60_000} minutes\n`;
      child.kill("SIGKILL");
    }, patience);
    const end = (code: number) => {
      clearTimeout(deadline);
      resolve({ code, output });
    };
    child.on("error", (error) => {
      output += error.message;
      end(1);
    });
    child.on("close", (code) => end(code ?? 1));
  });
}

/** A command that passes by ending with code 0. */
export function whole({ code, output }: Finished): Outcome {
  return code === 0
    ? { passed: 1, failed: 0, output }
    : { passed: 0, failed: 1, output };
}

/**
 * The counts of `deno test`, from its JUnit report: the tests at the end of each
 * nesting, as Bun counts them, where Deno's own summary counts the groups too.
 */
export function denoCounts(finished: Finished, report: string): Outcome {
  const cases = [
    ...report.matchAll(/<testcase name="([^"]*)"[^>]*>(.*?)<\/testcase>/gs),
  ].map(([, name, result]) => ({ name, result }));
  const tests = cases.filter(({ name, result }) =>
    !result.includes("<skipped") &&
    !cases.some((other) => other.name.startsWith(`${name} &gt; `))
  );
  const failed = tests.filter(({ result }) => /<(failure|error)/.test(result));
  return counted(
    finished,
    report && String(tests.length - failed.length),
    String(failed.length),
  );
}

/** The counts of `bun test`: ` 3 pass` and ` 0 fail`, each on a line. */
export function bunCounts(finished: Finished): Outcome {
  return counted(
    finished,
    /^ *(\d+) pass$/m.exec(finished.output)?.[1],
    /^ *(\d+) fail$/m.exec(finished.output)?.[1],
  );
}

/** The counts of `node --test`, from its JUnit report; what was skipped is named with its reason. */
export function nodeCounts(finished: Finished, report: string): Outcome {
  const found = report.matchAll(
    /<testcase (?:[^>]*\/>|[^>]*>.*?<\/testcase>)/gs,
  );
  const cases = Array.from(found, ([one]) => one);
  const skipped = cases.filter((one) => one.includes("<skipped"));
  for (const one of skipped) {
    const [, name] = /name="([^"]*)"/.exec(one)!;
    const reason = /<skipped[^>]*message="([^"]*)"/.exec(one)?.[1];
    console.log(`  skipped: ${name} (${reason || "no reason"})`);
  }
  const failed = cases.filter((one) => /<(failure|error)/.test(one));
  const passed = cases.length - skipped.length - failed.length;
  return counted(finished, report && String(passed), String(failed.length));
}

/** The counts of `go test -json`; the output keeps only what failed. */
export function goCounts(finished: Finished): Outcome {
  const events = finished.output.split("\n")
    .map((line) => line.startsWith("{") ? JSON.parse(line) : { text: line });
  const failed = events.filter(({ Action }) => Action === "fail");
  const matters = ({ Action, Package, Test }: typeof events[0]) =>
    Action === "build-output" ||
    failed.some((event) => event.Package === Package && event.Test === Test);
  const output = events
    .map((event) => event.text ?? (matters(event) ? event.Output ?? "" : ""))
    .join("\n").replaceAll(/\n+/g, "\n");
  const tests = (action: string) =>
    events.filter(({ Action, Test }) => Action === action && Test).length;
  return counted(
    { code: finished.code, output },
    String(tests("pass")),
    String(tests("fail")),
  );
}

function counted(
  { code, output }: Finished,
  passed = "",
  failed = "",
): Outcome {
  const counts = { passed: Number(passed), failed: Number(failed) };
  // A runner that crashed, or found nothing to run, has failed whatever it counted.
  const broken = code !== 0 || passed === "";
  if (broken && counts.failed === 0) counts.failed = 1;
  return { ...counts, output };
}

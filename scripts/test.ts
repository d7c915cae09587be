/**
 * The test command: every check and every test of both halves, in all runtimes,
 * one named step after another. A failing step does not stop the next one.
 *
 * @module
 */
import { join } from "@std/path";
import { readdirSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildLibrary } from "./build.ts";
import { runExample } from "./example.ts";
import { testInBun, testInDeno, testInNode } from "./runners.ts";
import { findRuntime } from "./runtimes.ts";
import { goCounts, type Outcome, run, whole } from "./steps.ts";
import { checkTypes } from "./types.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const GO = { cwd: join(ROOT, "go") };
/** A module of its own: its test needs a DNS server and a CA that nobody else should have to build. */
const AUTOTLS = { cwd: join(ROOT, "go", "autotls") };
const HERE = { cwd: ROOT };
const STATICCHECK = "honnef.co/go/tools/cmd/staticcheck@v0.7.0";
const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

const HELP = `Runs every check and every test of @unaiverse/p2p.

Usage: deno task test [--only <step>]...
       bun run test [--only <step>]...

  --only  run this step alone; may be given more than once
  --help  this text

Steps: `;

interface Step {
  name: string;
  what: string;
  run(): Promise<Outcome>;
}

const deno = await findRuntime("deno");
const bun = await findRuntime("bun");
const node = await findRuntime("node");
const results = new Map<string, Outcome & { seconds: number }>();

const denoOnly = join("tests", "deno");
const workflows = ["test", "release"].map((name) =>
  join(".github", "workflows", `${name}.yml`)
);
const steps: Step[] = [
  step("fmt", "deno fmt --check", deno.path, ["fmt", "--check"]),
  step("lint", "deno lint", deno.path, ["lint"]),
  step("check", "deno check", deno.path, ["check", "."]),
  step("examples", "deno check of the examples in docstrings", deno.path, [
    "check",
    "--doc-only",
    "mod.ts",
    "src",
  ]),
  {
    name: "gofmt",
    what: "gofmt -l go",
    run: async () => {
      const { code, output } = await run("gofmt", ["-l", "."], GO);
      return whole({ code: code || (output ? 1 : 0), output });
    },
  },
  step("vet", "go vet", "go", ["vet", "./..."], GO),
  step(
    "staticcheck",
    "staticcheck, through the Go module proxy",
    "go",
    ["run", STATICCHECK, "./..."],
    GO,
  ),
  // Whether there is a shellcheck on this machine must not change what is found.
  step(
    "workflows",
    "actionlint, through the Go module proxy",
    "go",
    ["run", ACTIONLINT, "-shellcheck=", "-pyflakes=", ...workflows],
  ),
  {
    name: "go",
    what: "go test -race",
    run: async () =>
      goCounts(await run("go", ["test", "-race", "-json", "./..."], GO)),
  },
  {
    name: "sanitized",
    what: "the C files with the address and undefined behaviour sanitizers",
    run: async () =>
      goCounts(
        await run(
          "go",
          ["test", "-tags", "sanitize", "-json", "./bridge/..."],
          GO,
        ),
      ),
  },
  {
    name: "autotls",
    what: "automatic certificates, with a CA and a forge on this machine",
    run: async () =>
      goCounts(await run("go", ["test", "-json", "./..."], AUTOTLS)),
  },
  step(
    "build",
    "the native library, if go/ changed",
    deno.path,
    ["run", "-A", "scripts/build.ts"],
  ),
  {
    name: "c",
    what: "the example in C, by the library's header alone",
    run: runInC,
  },
  {
    name: "deno",
    what: `tests in Deno ${deno.version}`,
    run: () => testInDeno(deno.path, ["tests/"]),
  },
  {
    name: "bun",
    what: `tests in Bun ${bun.version}`,
    run: () => testInBun(bun.path),
  },
  {
    name: "node",
    what: `tests in Node.js ${node.version}`,
    run: () => testInNode(node.path),
  },
  {
    name: "same",
    what: "as many tests in Bun and in Node.js as in Deno",
    run: () => Promise.resolve(sameCounts()),
  },
  {
    name: "sanitizers",
    what: "Deno's own checks: nothing is left open",
    run: () =>
      testInDeno(
        deno.path,
        readdirSync(join(ROOT, denoOnly)).map((name) => join(denoOnly, name)),
      ),
  },
  {
    name: "publish",
    what: "deno publish --dry-run",
    run: async () => {
      const args = ["publish", "--dry-run", "--allow-dirty"];
      const { code, output } = await run(deno.path, args, HERE);
      return whole({ code: code || Number(/^warning/m.test(output)), output });
    },
  },
  step("doc", "deno doc --lint", deno.path, [
    "doc",
    "--lint",
    "mod.ts",
    "src/compile.ts",
    "src/install.ts",
    "src/messages/mod.ts",
  ]),
  {
    name: "types",
    what: "the npm package's types, in every TypeScript, by those who use them",
    run: () => checkTypes(bun.path),
  },
  {
    name: "package",
    what: "both packages, out of registries on this machine, in empty folders",
    run: () => testInDeno(deno.path, [join("tests", "registry", "package.ts")]),
  },
];

function step(
  name: string,
  what: string,
  command: string,
  args: string[],
  options = HERE,
): Step {
  return {
    name,
    what,
    run: async () => whole(await run(command, args, options)),
  };
}

/** The compiler is the one that compiled the library. */
async function runInC(): Promise<Outcome> {
  const { output } = await run("go", ["env", "CC"], GO);
  const compiler = output.trim().split(" ");
  return whole(await runExample(await buildLibrary(), { compiler }));
}

function sameCounts(): Outcome {
  const counts = ["deno", "bun", "node"].map((name) => {
    const { passed, failed } = results.get(name) ?? { passed: 0, failed: 0 };
    return passed + failed;
  });
  const output = `Deno, Bun and Node.js ran ${counts.join(", ")} tests`;
  return whole({ code: new Set(counts).size === 1 ? 0 : 1, output });
}

async function runSteps(only: string[]): Promise<void> {
  for (const { name, what, run } of steps) {
    if (only.length > 0 && !only.includes(name)) continue;
    console.log(`${name}: ${what}`);
    const started = performance.now();
    const outcome = await run();
    const seconds = (performance.now() - started) / 1000;
    results.set(name, { ...outcome, seconds });
    if (outcome.failed > 0) console.log(outcome.output.trimEnd());
    const word = outcome.failed > 0 ? "FAILED" : "ok";
    console.log(`${name}: ${word}, ${seconds.toFixed(1)} s`);
  }
}

function report(): void {
  const total = { passed: 0, failed: 0 };
  console.log(`\n${"step".padEnd(12)}  passed  failed  seconds`);
  for (const [name, { passed, failed, seconds }] of results) {
    total.passed += passed;
    total.failed += failed;
    const cells = [passed, failed, seconds.toFixed(1)];
    console.log(
      name.padEnd(12) + cells.map((cell) => String(cell).padStart(8)).join(""),
    );
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  if (total.failed > 0) process.exitCode = 1;
}

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    help: { type: "boolean" },
  },
});
const names = steps.map(({ name }) => name);
const unknown = values.only.filter((name) => !names.includes(name));
if (values.help) {
  console.log(HELP + names.join(", "));
} else if (unknown.length > 0) {
  console.error(`no such step: ${unknown.join(", ")} (${names.join(", ")})`);
  process.exitCode = 1;
} else {
  await runSteps(values.only);
  report();
}

/**
 * Checks the types of the npm package as those who install it would: with each TypeScript, with and without the types of the web
 * and of a runtime, and with the tools that look into packages.
 *
 * @module
 */
import { join } from "@std/path";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { makePackage } from "./package.ts";
import { type Outcome, run } from "./steps.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TYPESCRIPTS = {
  "typescript-5": "5.9.3",
  "typescript-6": "6.0.3",
  "typescript-7": "7.0.2",
};
const TOOLS = [
  "@arethetypeswrong/cli@0.18.5",
  "@types/node@26.6.6",
  "publint@0.3.25",
  ...Object.entries(TYPESCRIPTS).map(([name, version]) =>
    `${name}@npm:typescript@${version}`
  ),
];

/** A project: which types it has, and the programs that compile with them. */
interface Project {
  name: string;
  lib: string[];
  types: string[];
  files: string[];
}

const WEB = ["bare.ts", "web.ts"];
const WHOLE = [...WEB, "hello.ts"];
const PROJECTS: Project[] = [
  { name: "language", lib: ["es2022"], types: [], files: ["bare.ts"] },
  { name: "dom", lib: ["esnext", "dom"], types: [], files: WEB },
  { name: "node", lib: ["esnext"], types: ["node"], files: WHOLE },
  { name: "bun", lib: ["esnext"], types: ["bun"], files: WHOLE },
];

const STRICT = {
  module: "nodenext",
  target: "es2022",
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipDefaultLibCheck: true,
};

/** Packs the package, installs it into a fresh project of Bun's, and lets everybody look at it. */
export async function checkTypes(bun: string): Promise<Outcome> {
  const cwd = mkdtempSync(join(tmpdir(), "p2p-types-"));
  // With a cache of its own Bun cannot install an earlier package of this version.
  const env = { BUN_INSTALL_CACHE_DIR: join(cwd, ".bun") };
  const outcome: Outcome = { passed: 0, failed: 0, output: "" };
  const check = async (
    what: string,
    command: string,
    args: string[],
    options = { cwd, env },
  ): Promise<boolean> => {
    const { code, output } = await run(command, args, options);
    if (code === 0) return ++outcome.passed > 0;
    outcome.failed++;
    outcome.output += `${what}: ${command} ${args.join(" ")}\n${output}\n`;
    return false;
  };
  try {
    const folder = await makePackage();
    const tarball = join(cwd, "package.tgz");
    const pack = ["pm", "pack", "--filename", tarball];
    const installed = await check("pack", bun, pack, { cwd: folder, env }) &&
      await check("init", bun, ["init", "-y"]) &&
      await check("add", bun, ["add", tarball, ...TOOLS]);
    if (!installed) return outcome;
    cpSync(join(ROOT, "tests", "types"), cwd, { recursive: true });
    cpSync(join(ROOT, "examples", "hello.ts"), join(cwd, "hello.ts"));
    for (const { name, lib, types, files } of PROJECTS) {
      // Those of a runtime take longer than all else, and where they are there nothing of ours is checked that is not without them.
      const skipLibCheck = types.length > 0;
      const compilerOptions = { ...STRICT, lib, types, skipLibCheck };
      const config = JSON.stringify({ compilerOptions, files });
      writeFileSync(join(cwd, `${name}.json`), config);
    }
    const projects = ["tsconfig", ...PROJECTS.map(({ name }) => name)];
    for (const typescript of Object.keys(TYPESCRIPTS)) {
      const tsc = join("node_modules", typescript, "bin", "tsc");
      for (const name of projects) {
        await check(`${typescript}, ${name}`, bun, [tsc, "-p", `${name}.json`]);
      }
    }
    await check("publint", bun, ["x", "publint", "--strict", folder]);
    await check("attw", bun, ["x", "attw", "--profile", "esm-only", tarball]);
    return outcome;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

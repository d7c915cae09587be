/**
 * Makes the npm package in `.cache/package/`: JavaScript, types and source maps out of `mod.ts` and `src/`, and a `package.json`
 * without dependencies or scripts. Runs in Deno and in Bun; the compiler comes through npm.
 *
 * @module
 */
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { linesOnly } from "./package/source_map.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = join(ROOT, ".cache", "package");
const TYPESCRIPT = "typescript@7.0.2";
const TEXTS = ["README.md", "LICENSE"];
/** Types that a program may compile without; `package/web.d.ts` has what is said of them then. */
const WEB =
  /\b(?:AbortSignal|AddEventListenerOptions|CustomEvent|Event|EventListenerOptions|EventTarget|URL)\b/g;
/** The part of the standard library that a program may not have named, and what is taken from it. */
const DISPOSABLE = /\bAsyncDisposable\b|\bSymbol\.asyncDispose\b/;
/** What does something when nothing is taken from it: one makes a compiler carry the library, the other is a command. */
const SIDE_EFFECTS = ["./src/compile.js", "./src/install.js"];
const COMPILER_OPTIONS = {
  rootDir: ROOT,
  target: "es2024",
  lib: ["esnext"],
  types: [],
  module: "nodenext",
  moduleDetection: "force",
  rewriteRelativeImportExtensions: true,
  // Checked it is by `deno check`, which knows the runtimes' types.
  noCheck: true,
};

interface Manifest {
  name: string;
  version: string;
  license: string;
  exports: Record<string, string>;
}

/**
 * Makes the package.
 *
 * @returns Its folder.
 * @throws {Error} When the compiler cannot be had or is not content.
 */
export async function makePackage(): Promise<string> {
  fs.rmSync(FOLDER, { recursive: true, force: true });
  fs.mkdirSync(FOLDER, { recursive: true });
  const manifest = readJson("deno.json") as unknown as Manifest;
  const entries = Object.values(manifest.exports);
  const types = fs.mkdtempSync(join(FOLDER, "types-"));
  try {
    await compile(entries, FOLDER, {
      removeComments: true,
      sourceMap: true,
      // Where the TypeScript can be read: it would be more than half of the package.
      sourceRoot: `https://jsr.io/${manifest.name}/${manifest.version}/`,
    });
    await compile(entries, types, {
      declaration: true,
      emitDeclarationOnly: true,
    });
    for (const name of reachable(types, entries)) copyTypes(types, name);
  } finally {
    fs.rmSync(types, { recursive: true, force: true });
  }
  shrinkMaps();
  for (const name of TEXTS) fs.copyFileSync(join(ROOT, name), inPackage(name));
  const written = JSON.stringify(packageJson(manifest), null, 2);
  fs.writeFileSync(inPackage("package.json"), written + "\n");
  return FOLDER;
}

async function compile(
  entries: string[],
  outDir: string,
  options: Record<string, unknown>,
): Promise<void> {
  const config = join(outDir, "tsconfig.json");
  const compilerOptions = { ...COMPILER_OPTIONS, ...options, outDir };
  const files = entries.map((name) => join(ROOT, name));
  fs.writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  const args = ["-y", "-p", TYPESCRIPT, "tsc", "-p", config];
  await promisify(execFile)("npx", args).catch(({ stdout, message }) => {
    throw new Error(`${TYPESCRIPT}: ${stdout || message}`);
  });
  fs.rmSync(config);
}

/** The modules whose types the entries lead to, as paths below a folder of declarations. */
function reachable(types: string, entries: string[]): Set<string> {
  const found = new Set(entries.map((name) => join(name, "")));
  for (const name of found) {
    const text = fs.readFileSync(declarations(types, name), "utf8");
    for (const [, from] of text.matchAll(/(?:from |import\()"(\..*?)"/g)) {
      found.add(join(dirname(name), from));
    }
  }
  return found;
}

/** Puts the types of a module into the package, with all that they need of the program's. */
function copyTypes(types: string, name: string): void {
  const folder = dirname(name);
  const text = fs.readFileSync(declarations(types, name), "utf8")
    .replaceAll(/((?:from |import\()"\..*?)\.ts"/g, '$1.js"');
  const code = text.replaceAll(/\/\*.*?\*\//gs, "");
  let head = "";
  if (DISPOSABLE.test(code)) {
    head += '/// <reference lib="esnext.disposable" />\n';
  }
  const web = [...new Set(code.match(WEB))].sort().join(", ");
  if (web !== "") {
    const from = folder === "." ? "./web.js" : `${up(folder)}web.js`;
    head += `import { ${web} } from "${from}";\n`;
    const source = join(ROOT, "scripts", "package", "web.d.ts");
    fs.copyFileSync(source, inPackage("web.d.ts"));
  }
  fs.mkdirSync(inPackage(folder), { recursive: true });
  // A command's first line stays the first.
  const [shebang = ""] = /^#!.*\n/.exec(text) ?? [];
  const rest = text.slice(shebang.length);
  fs.writeFileSync(declarations(FOLDER, name), shebang + head + rest);
}

function up(folder: string): string {
  return "../".repeat(folder.split("/").length);
}

function declarations(folder: string, name: string): string {
  return join(folder, replaceEnd(name, ".d.ts"));
}

/** The name of what the compiler makes of a source. */
function replaceEnd(source: string, end: string): string {
  return source.replace(/\.ts$/, end);
}

function shrinkMaps(): void {
  for (const name of fs.readdirSync(FOLDER, { recursive: true }) as string[]) {
    if (!name.endsWith(".js.map")) continue;
    const map = JSON.parse(fs.readFileSync(inPackage(name), "utf8"));
    map.mappings = linesOnly(map.mappings);
    fs.writeFileSync(inPackage(name), JSON.stringify(map));
  }
}

function packageJson(manifest: Manifest): Record<string, unknown> {
  const { bin, description, engines, repository } = readJson("package.json");
  const { name, version, license } = manifest;
  const exports: Record<string, unknown> = {};
  for (const [path, source] of Object.entries(manifest.exports)) {
    exports[path] = {
      types: replaceEnd(source, ".d.ts"),
      default: replaceEnd(source, ".js"),
    };
  }
  exports["./package.json"] = "./package.json";
  const commands = Object.entries(bin as Record<string, string>)
    .map(([command, source]) => [command, replaceEnd(source, ".js")]);
  return {
    name,
    version,
    description,
    license,
    repository,
    type: "module",
    exports,
    bin: Object.fromEntries(commands),
    engines,
    sideEffects: SIDE_EFFECTS,
  };
}

function readJson(name: string): Record<string, unknown> {
  return JSON.parse(fs.readFileSync(join(ROOT, name), "utf8"));
}

function inPackage(name: string): string {
  return join(FOLDER, name);
}

const HELP = `Makes the npm package of @unaiverse/p2p.

Usage: deno task package
       bun run package

  --help  this text

The package is written to ${FOLDER}`;

if (import.meta.main) {
  const { values } = parseArgs({ options: { help: { type: "boolean" } } });
  if (values.help) {
    console.log(HELP);
  } else {
    try {
      const folder = await makePackage();
      const files = fs.readdirSync(folder, {
        recursive: true,
        withFileTypes: true,
      })
        .filter((entry) => entry.isFile());
      const bytes = files.reduce(
        (sum, { parentPath, name }) =>
          sum + fs.statSync(join(parentPath, name)).size,
        0,
      );
      console.log(
        `${files.length} files, ${(bytes / 1000).toFixed(0)} KB: ${folder}`,
      );
    } catch (error) {
      console.error((error as Error).message);
      process.exitCode = 1;
    }
  }
}

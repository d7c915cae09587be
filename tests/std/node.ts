/**
 * Leads Node.js to the modules that stand in for `@std`, by the paths of `tsconfig.json` that Bun follows too:
 * `node --import ./tests/std/node.ts`.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";

const ROOT = new URL("../../", import.meta.url);
const config = readFileSync(new URL("tsconfig.json", ROOT), "utf8");
const paths: Record<string, string[]> =
  JSON.parse(config).compilerOptions.paths;

registerHooks({
  resolve(specifier, context, next) {
    const [path] = Object.hasOwn(paths, specifier) ? paths[specifier] : [];
    return next(path ? new URL(path, ROOT).href : specifier, context);
  },
  // Node refuses types below `node_modules`, where the package has JavaScript, but a test the sources.
  load(url, context, next) {
    if (!/\/node_modules\/.*\.ts$/.test(url)) return next(url, context);
    const source = stripTypeScriptTypes(readFileSync(new URL(url), "utf8"));
    return { format: "module", source, shortCircuit: true };
  },
});

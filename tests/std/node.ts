/**
 * Leads Node.js to the modules that stand in for `@std`, by the paths of `tsconfig.json` that Bun follows too:
 * `node --import ./tests/std/node.ts`.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

const ROOT = new URL("../../", import.meta.url);
const config = readFileSync(new URL("tsconfig.json", ROOT), "utf8");
const paths: Record<string, string[]> =
  JSON.parse(config).compilerOptions.paths;

registerHooks({
  resolve(specifier, context, next) {
    const [path] = Object.hasOwn(paths, specifier) ? paths[specifier] : [];
    return next(path ? new URL(path, ROOT).href : specifier, context);
  },
});

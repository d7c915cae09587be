// Which registry npm would ask, and what is shown to it.

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import {
  parseNpmrc,
  PUBLIC_REGISTRY,
  registryAddress,
} from "../../src/native/npmrc.ts";
import { withFolder } from "../support/node.ts";

/** The address by what the user's `.npmrc` and the environment say. */
function addressBy(
  npmrc: string,
  env: Record<string, string> = {},
  named?: string,
) {
  return withFolder((folder) => {
    writeFileSync(join(folder, ".npmrc"), npmrc);
    const all: Record<string, string> = { HOME: folder, ...env };
    return Promise.resolve(registryAddress(named, (name) => all[name]));
  });
}

const url = async (...said: Parameters<typeof addressBy>) =>
  (await addressBy(...said)).url;

test("the registry is the one that is named, then the scope's, the environment's, the user's, the public one", async () => {
  const scoped =
    "registry=https://a.example\n@unaiverse:registry=https://b.example/npm";
  const env = { npm_config_registry: "https://c.example" };
  assertEquals(await url(""), PUBLIC_REGISTRY);
  assertEquals(await url("registry = https://a.example"), "https://a.example/");
  assertEquals(
    await url("registry=https://a.example", env),
    "https://c.example/",
  );
  assertEquals(await url(scoped, env), "https://b.example/npm/");
  assertEquals(await url(scoped, env, "http://d.example"), "http://d.example/");
  assertEquals(
    await url("", { NPM_CONFIG_REGISTRY: "https://e.example" }),
    "https://e.example/",
  );
});

test("the user's .npmrc may lie elsewhere", async () => {
  await withFolder(async (folder) => {
    const elsewhere = join(folder, "elsewhere");
    writeFileSync(elsewhere, "registry=https://a.example");
    const env = { npm_config_userconfig: elsewhere };
    assertEquals(await url("", env), "https://a.example/");
  });
});

test("a token is the one for the longest part of the registry's address, and for no other", async () => {
  const npmrc = [
    "@unaiverse:registry=https://a.example:8443/npm/ours/",
    "//a.example:8443/:_authToken=short",
    "//a.example:8443/npm/:_authToken=${TOKEN}",
    "//a.example:8443/npm/theirs/:_authToken=theirs",
  ].join("\n");
  const { authorization } = await addressBy(npmrc, { TOKEN: "secret" });
  assertEquals(authorization, "Bearer secret");
  const other = await addressBy(npmrc, {}, "https://a.example/npm/");
  assertEquals(other.authorization, undefined);
  const basic = await addressBy(
    "//b.example/:_auth=YTpi",
    {},
    "https://b.example",
  );
  assertEquals(basic.authorization, "Basic YTpi");
});

test("an .npmrc has comments, quotes, spaces and names of variables that may be missing", () => {
  const text = '; one\n# two\n a = "b c" \r\nd=${E}-${F}\nno line\ng=h=i';
  const variable = (name: string) => ({ E: "e" })[name];
  assertEquals([...parseNpmrc(text, variable)], [
    ["a", "b c"],
    ["d", "e-${F}"],
    ["g", "h=i"],
  ]);
});

/** The list of licences that goes into a platform package. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { licences } from "../scripts/release/licences.ts";
import { PLATFORMS } from "../scripts/release/platforms.ts";

const SOURCES = fileURLToPath(new URL("../go", import.meta.url));

for (const key of ["linux-x64", "win32-x64"]) {
  test(`the licences for ${key} name every module that is linked in, and Go itself`, async () => {
    const platform = PLATFORMS.find((platform) => platform.key === key)!;
    const text = await licences(platform, { sources: SOURCES, cache: "" });
    const format =
      "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}";
    const listed = execFileSync("go", ["list", "-deps", "-f", format, "."], {
      cwd: SOURCES,
      encoding: "utf8",
      env: {
        ...process.env,
        GOOS: platform.goos,
        GOARCH: platform.goarch,
        CGO_ENABLED: "1",
      },
    });
    const modules = new Set(listed.trim().split("\n"));
    assert(modules.size > 80, `${modules.size} modules`);
    const lines = new Set(text.split("\n"));
    assertEquals([...modules].filter((name) => !lines.has(name)), []);
    assertStringIncludes(text, "\nGo's standard library go1.");
    assertStringIncludes(text, "Permission is hereby granted, free of charge");
  });
}

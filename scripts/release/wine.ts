/**
 * Wine, which runs programs for Windows on Linux, with a Windows of its own below this checkout's cache.
 *
 * @module
 */
import { join } from "@std/path";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Way } from "../example.ts";
import { run } from "../steps.ts";
import { Refusal } from "./refusal.ts";

/** Debian does not put it on the PATH. */
const WINE = "/usr/lib/wine/wine64";
/** Go wants a library that Wine has since 8.19; there its own is used. */
const MISSING = "bcryptprimitives.dll";

/** Makes Wine ready to run programs that are written in Go; undefined where it is not installed. */
export async function findWine(
  cache: string,
  { compiler, env }: Pick<Way, "compiler" | "env">,
): Promise<Omit<Way, "compiler"> | undefined> {
  if (!existsSync(WINE)) return undefined;
  const prefix = join(cache, "wine");
  const windows = { WINEPREFIX: prefix, WINEDEBUG: "-all" };
  const system = join(prefix, "drive_c", "windows", "system32");
  if (!existsSync(system)) await does(WINE, ["wineboot", "-i"], windows);
  const library = join(system, MISSING);
  if (!existsSync(library)) {
    const source = fileURLToPath(
      new URL("bcryptprimitives.c", import.meta.url),
    );
    const [command, ...args] = [
      ...[...compiler, "-shared", "-O1", source, "-ladvapi32"],
      ...["-o", library],
    ];
    await does(command, args, env);
  }
  // Wine 8 has not all that Go wants of a UDP socket (WSAIoctl: 10045).
  return { runner: [WINE], transports: ["tcp"], env: windows };
}

async function does(
  command: string,
  args: string[],
  env?: Record<string, string>,
): Promise<void> {
  const { code, output } = await run(command, args, { cwd: "/", env });
  if (code !== 0) throw new Refusal(`${command} ${args[0]}:\n${output}`);
}

/**
 * Finds zig, which compiles and links the C part of the library for other systems and for an old glibc: the one on the PATH, if
 * it is of the version that releases are built with, or one from PyPI in a folder of this checkout.
 *
 * @module
 */
import { join } from "@std/path";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { run } from "../steps.ts";
import { Refusal } from "./refusal.ts";

/** The version that releases are built with: another one would give other bytes. */
export const ZIG = "0.17.1";

/** The folder with zig's executable, its `LICENSE` and its `lib`. */
export async function findZig(cache: string): Promise<string> {
  const installed = zigOnPath();
  if (installed) return installed;
  const folder = join(cache, "zig", ZIG);
  const found = join(folder, "ziglang");
  if (!existsSync(found)) await install(folder);
  return found;
}

/** The folder of the zig on the PATH, if it is of the right version and lies there as its makers pack it, with its licences. */
function zigOnPath(): string | undefined {
  try {
    const told = execFileSync("zig", ["env"], { encoding: "utf8" });
    const said = (name: string) =>
      new RegExp(`${name}"? *[:=] *"([^"]+)"`).exec(told)?.[1];
    const folder = dirname(said("zig_exe") ?? "");
    const whole = existsSync(join(folder, "LICENSE"));
    return said("version") === ZIG && whole ? folder : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Installs it beside its place and moves it there, so that an interrupted installation is none. */
async function install(folder: string): Promise<void> {
  console.log(`zig ${ZIG} is not on the PATH: taking it from PyPI`);
  mkdirSync(join(folder, ".."), { recursive: true });
  const target = mkdtempSync(join(folder, "..", "install-"));
  try {
    const python = process.platform === "win32" ? "python" : "python3";
    const options = ["--quiet", "--no-deps", "--no-compile"];
    const { code, output } = await run(python, [
      ...["-m", "pip", "install", ...options, "--target", target],
      `ziglang==${ZIG}`,
    ], { cwd: target });
    if (code !== 0) {
      throw new Refusal(
        `zig ${ZIG} could not be installed by pip; with it on the PATH pip is not needed:\n${output}`,
      );
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(target, folder);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

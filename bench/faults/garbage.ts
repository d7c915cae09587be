/** Gives back to the system what a process has let go: the garbage of JavaScript, and what the C library's allocator keeps for later. */
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";

/** What the runtimes make of `malloc_trim`, which is glibc's. */
interface Bun {
  dlopen(
    path: string,
    symbols: { malloc_trim: { args: ["usize"]; returns: "i32" } },
  ): { symbols: { malloc_trim(pad: number): number } };
}

interface Node {
  dlopen(
    path: string,
    symbols: { malloc_trim: { arguments: ["uint64"]; return: "int32" } },
  ): { functions: { malloc_trim(pad: bigint): number } };
}

const LIBC = "libc.so.6";
const trim = await findTrim();

/** Buffers are freed beside the program, some time after their garbage was collected. */
const SWEEP_MS = 200;

/** Collects the garbage; the runtime was started with a flag that lets it. */
export async function clean(): Promise<void> {
  const { gc } = globalThis as { gc?: () => void };
  gc!();
  await delay(SWEEP_MS);
  gc!();
  await delay(SWEEP_MS);
  trim();
}

async function findTrim(): Promise<() => void> {
  if (process.versions.bun) {
    const ffi = "bun:ffi";
    const { dlopen } = await import(ffi) as Bun;
    const { symbols } = dlopen(LIBC, {
      malloc_trim: { args: ["usize"], returns: "i32" },
    });
    return () => symbols.malloc_trim(0);
  }
  const ffi = process.getBuiltinModule("node:ffi" as string) as unknown as Node;
  if (ffi && !process.versions.deno) {
    const { functions } = ffi.dlopen(LIBC, {
      malloc_trim: { arguments: ["uint64"], return: "int32" },
    });
    return () => functions.malloc_trim(0n);
  }
  const { symbols } = Deno.dlopen(LIBC, {
    malloc_trim: { parameters: ["usize"], result: "i32" },
  });
  return () => symbols.malloc_trim(0n);
}

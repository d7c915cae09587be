/**
 * The platforms that a release has a package for, and how the library of each is built. A further platform is a row here and a
 * folder below `packages/`.
 *
 * @module
 */
import process from "node:process";

/** A platform, named as `${process.platform}-${process.arch}` names it. */
export interface Platform {
  readonly key: string;
  /** The library's file name. */
  readonly file: string;
  readonly goos: string;
  readonly goarch: string;
  /** The C compiler and linker, as `CC` of the Go command. */
  readonly compiler: string;
  /** The system that it can be built on, where zig cannot do it on any. */
  readonly buildsOn?: NodeJS.Platform;
}

/** The newest version of glibc that a library may ask for: that of RHEL 7, older than any system that the runtimes support. */
export const GLIBC = "2.17";
/** The oldest macOS that Go 1.26 supports. */
const MACOS = "12.0";

/** All platforms. */
export const PLATFORMS: readonly Platform[] = [
  linux("x64", "amd64", "x86_64"),
  linux("arm64", "arm64", "aarch64"),
  {
    key: "win32-x64",
    file: "libunaiverse_p2p.dll",
    goos: "windows",
    goarch: "amd64",
    compiler: "zig cc -target x86_64-windows-gnu",
  },
  darwin("x64", "amd64", "x86_64"),
  darwin("arm64", "arm64", "arm64"),
];

/** Whether this machine can build the library of a platform. */
export function canBuild({ buildsOn }: Platform): boolean {
  return buildsOn === undefined || buildsOn === process.platform;
}

/** Whether zig is the compiler of a platform. */
export function needsZig({ compiler }: Platform): boolean {
  return compiler.startsWith("zig ");
}

function linux(arch: string, goarch: string, machine: string): Platform {
  return {
    key: `linux-${arch}`,
    file: "libunaiverse_p2p.so",
    goos: "linux",
    goarch,
    compiler: `zig cc -target ${machine}-linux-gnu.${GLIBC}`,
  };
}

/** What Apple's linker needs of a system is not given to others, so that these are built on a Mac. */
function darwin(arch: string, goarch: string, machine: string): Platform {
  return {
    key: `darwin-${arch}`,
    file: "libunaiverse_p2p.dylib",
    goos: "darwin",
    goarch,
    compiler: `clang -arch ${machine} -mmacosx-version-min=${MACOS}`,
    buildsOn: "darwin",
  };
}

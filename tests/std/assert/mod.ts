/**
 * A stand-in for the part of `@std/assert` that this project uses, for machines
 * that cannot reach the JSR registry. Names, parameters and outcomes are the
 * originals'; comparing is done by `node:assert/strict`.
 *
 * @module
 */
import strict from "node:assert/strict";
import { inspect } from "node:util";

/** What every function here throws when its assertion does not hold. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

// deno-lint-ignore no-explicit-any
type AbstractClass<T> = abstract new (...args: any[]) => T;

function suffix(msg?: string): string {
  return msg === undefined ? "." : `: ${msg}`;
}

function holds(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

/** Asserts that `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Asserts that two values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  try {
    strict.deepStrictEqual(actual, expected);
  } catch (cause) {
    throw new AssertionError(
      `Values are not equal${suffix(msg)}\n${(cause as Error).message}`,
    );
  }
}

/** Asserts that two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (holds(() => strict.notDeepStrictEqual(actual, expected))) return;
  throw new AssertionError(
    `Expected actual: ${inspect(actual)} not to be: ${inspect(expected)}${
      suffix(msg)
    }`,
  );
}

/** Asserts that two values are the same, as `Object.is` sees it. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throw new AssertionError(
    `Values are not strictly equal${suffix(msg)}\n${inspect(actual)}\n${
      inspect(expected)
    }`,
  );
}

/** Asserts that a value is neither `null` nor `undefined`. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`,
  );
}

/** Asserts that a value is an instance of a class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: AbstractClass<T>,
  msg = "",
): asserts actual is T {
  if (actual instanceof expectedType) return;
  throw new AssertionError(
    msg ||
      `Expected object to be an instance of "${expectedType.name}" but was "${
        inspect(actual)
      }".`,
  );
}

/** Asserts that a text matches a pattern. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void {
  if (expected.test(actual)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`,
  );
}

/** Asserts that a text contains another. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`,
  );
}

/** Asserts that every expected value is in the array. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
): void {
  const have = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) =>
    !have.some((value) => holds(() => strict.deepStrictEqual(value, wanted)))
  );
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${inspect(have)}" to include: "${
      inspect(Array.from(expected))
    }"${suffix(msg)}\nmissing: ${inspect(missing)}`,
  );
}

function compare<T>(
  actual: T,
  word: string,
  expected: T,
  yes: boolean,
  msg?: string,
): void {
  if (yes) return;
  throw new AssertionError(
    msg ?? `Expect ${inspect(actual)} ${word} ${inspect(expected)}`,
  );
}

/** Asserts that `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  compare(actual, ">", expected, actual > expected, msg);
}

/** Asserts that `actual >= expected`. */
export function assertGreaterOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  compare(actual, ">=", expected, actual >= expected, msg);
}

/** Asserts that `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  compare(actual, "<", expected, actual < expected, msg);
}

/** Asserts that `actual <= expected`. */
export function assertLessOrEqual<T>(
  actual: T,
  expected: T,
  msg?: string,
): void {
  compare(actual, "<=", expected, actual <= expected, msg);
}

/** Fails. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${suffix(msg)}`);
}

/** Fails, for a place that must not be reached. */
export function unreachable(reason?: string): never {
  throw new AssertionError(reason ?? "Unreachable.");
}

type Expected<E> = [
  ErrorClass?: string | AbstractClass<E>,
  msgIncludes?: string,
  msg?: string,
];

function checkThrown<E extends Error>(
  thrown: unknown,
  [ErrorClass, includes, msg]: Expected<E>,
): unknown {
  if (typeof ErrorClass !== "function") return thrown;
  if (!(thrown instanceof Error)) {
    throw new AssertionError(`A non-Error object was thrown${suffix(msg)}`);
  }
  if (!(thrown instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${thrown.constructor.name}" (${thrown.message})${
        suffix(msg)
      }`,
      { cause: thrown },
    );
  }
  if (includes !== undefined && !thrown.message.includes(includes)) {
    throw new AssertionError(
      `Expected error message to include "${includes}", but got "${thrown.message}"${
        suffix(msg)
      }`,
      { cause: thrown },
    );
  }
  return thrown;
}

function message([ErrorClass, , msg]: Expected<unknown>): string {
  return suffix(typeof ErrorClass === "string" ? ErrorClass : msg);
}

/** Asserts that a function throws; gives what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that a function throws an error of a class; gives the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: AbstractClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error>(
  fn: () => unknown,
  ...expected: Expected<E>
): unknown {
  let thrown: unknown;
  try {
    fn();
  } catch (error) {
    thrown = error;
    return checkThrown(thrown, expected);
  }
  throw new AssertionError(`Expected function to throw${message(expected)}`);
}

/** Asserts that a promise is rejected; gives the reason. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Asserts that a promise is rejected with an error of a class; gives the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: AbstractClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  ...expected: Expected<E>
): Promise<unknown> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (cause) {
    throw new AssertionError(
      `Function throws when expected to reject${message(expected)}`,
      { cause },
    );
  }
  try {
    await promise;
  } catch (error) {
    return checkThrown(error, expected);
  }
  throw new AssertionError(
    `Expected function to reject${message(expected)}`,
  );
}

/**
 * A promise that begins when somebody waits for it. A property that holds one may be looked at, logged or polled: nothing is
 * done by that, and nothing can be left unhandled.
 *
 * @module
 */

/** What `await`, `then`, `catch` and `finally` begin, each time anew. */
export class Lazy<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = "Promise";
  readonly #begin: () => Promise<T>;

  /** `begin` is called for each wait; those at a time share what it gives if it gives them the same. */
  constructor(begin: () => Promise<T>) {
    this.#begin = begin;
  }

  then<Done = T, Failed = never>(
    onDone?: ((value: T) => Done | PromiseLike<Done>) | null,
    onFailed?: ((reason: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Done | Failed> {
    return this.#begin().then(onDone, onFailed);
  }

  catch<Failed = never>(
    onFailed?: ((reason: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<T | Failed> {
    return this.#begin().catch(onFailed);
  }

  finally(onSettled?: (() => void) | null): Promise<T> {
    return this.#begin().finally(onSettled);
  }
}

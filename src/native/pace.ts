/**
 * When to look out for records instead of sleeping. Waking a sleeping processor takes longer than a dense exchange of
 * messages does, so while records come that fast the link polls for a moment before it arms the wake byte.
 *
 * @module
 */

/** What a drain does when it finds nothing: -1 arms the wake byte, 0 returns, above 0 it looks out for as many microseconds. */
export const SLEEP = -1;
/** Microseconds of one look; the event loop has its turn in between. */
const LOOK_US = 60;
/** Milliseconds of looking out after the last record; it has to be longer than a round trip. */
const LOOK_OUT_MS = 0.6;
/** A sleep shorter than this, in milliseconds, is one that looking out would perhaps have spared. */
const DENSE_MS = 1;
/** How many of them in a row begin it: looking out pays only while records come that fast. */
const DENSE_AFTER = 3;
/** Where more than this comes at once nobody waits for an answer, and Go has a better use for the processor. */
const FEW_BYTES = 16 << 10;

/** The pace of one link. */
export class Pace {
  #short = 0;
  #slept = 0;
  #until = 0;

  /** The wake byte has come. */
  woke(): void {
    const asleep = performance.now() - this.#slept;
    this.#short = asleep < DENSE_MS ? this.#short + 1 : 0;
  }

  /** The wake byte is armed. */
  sleeps(): void {
    this.#slept = performance.now();
  }

  /**
   * Records have come, and with them direct messages or not; tells what is to be done behind them: the program's reactions
   * go before another look. Topics are not looked out for: they come through many peers, which need the processor.
   */
  active(bytes: number, direct: boolean): typeof SLEEP | 0 {
    if (bytes > FEW_BYTES || !direct) this.#short = 0;
    if (this.#short < DENSE_AFTER) return SLEEP;
    this.#until = performance.now() + LOOK_OUT_MS;
    return 0;
  }

  /** What is to be done when nothing has come yet. */
  next(): number {
    if (this.#until === 0) return SLEEP;
    if (performance.now() < this.#until) return LOOK_US;
    this.#until = 0;
    this.#short = 0;
    return SLEEP;
  }
}

/**
 * The time in a message: `YYYY-MM-DD HH:MM:SS.ffffff`, UTC.
 *
 * @module
 */

import { wrongRange } from "../arguments.ts";

const FORMAT = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,6})$/;

/**
 * Writes a time as messages carry it.
 *
 * @param time Milliseconds since 1970, to the microsecond (three decimals), or a `Date`. Default: now.
 * @returns For example `2026-11-24 09:30:00.125000`; always UTC.
 * @throws {RangeError} If the year has not four digits.
 */
export function formatTimestamp(time: number | Date = Date.now()): string {
  const micros = Math.round(Number(time) * 1000);
  const millis = Math.floor(micros / 1000);
  const date = new Date(millis);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) {
    throw wrongRange("time", "in the years 0 to 9999", Number(time));
  }
  const rest = String(micros - millis * 1000).padStart(3, "0");
  return date.toISOString().replace("T", " ").replace("Z", rest);
}

/**
 * Reads the time of a message.
 *
 * @param text What `formatTimestamp`, or Python's `%Y-%m-%d %H:%M:%S.%f`, writes.
 * @returns Milliseconds since 1970, with the microseconds behind the point; `NaN` if the text has another form.
 */
export function parseTimestamp(text: string): number {
  const found = FORMAT.exec(text);
  if (found === null) return NaN;
  const [, year, month, day, hour, minute, second, fraction] = found;
  const micros = Number(fraction.padEnd(6, "0"));
  const whole = Date.parse(
    `${year}-${month}-${day}T${hour}:${minute}:${second}Z`,
  );
  return whole + micros / 1000;
}

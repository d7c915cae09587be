/** The results of bench/peers as a table in Markdown and as a chart. */
import { median } from "../table.ts";

/** What one contestant did in one work, a figure a run. */
export interface Row {
  name: string;
  values: number[];
  also: Record<string, number[]>;
  /** Why it could not. */
  error?: string;
}

/** One work with all that took part. */
export interface Outcome {
  id: string;
  title: string;
  unit: string;
  more: boolean;
  rows: Row[];
}

/** Three digits, and thousands with commas. */
export function digits(value: number): string {
  if (value === 0) return "0";
  const size = Math.floor(Math.log10(Math.abs(value)));
  return value.toLocaleString("en-US", {
    maximumFractionDigits: Math.max(0, 2 - size),
  });
}

/** How many times better a row is than a rival, by their medians. */
function ratio(outcome: Outcome, row: Row, rival: string): string {
  const other = outcome.rows.find(({ name }) => name === rival);
  if (!other || other.values.length === 0 || other === row) return "";
  const [mine, its] = [median(row.values), median(other.values)];
  return `${digits(mine / its)} x`;
}

/** The strongest of those that were asked for and could. */
function rivalOf(outcome: Outcome, names: RegExp): string {
  const rows = outcome.rows.filter(({ name, values }) =>
    names.test(name) && values.length > 0
  );
  rows.sort((a, b) => median(a.values) - median(b.values));
  return (outcome.more ? rows.at(-1) : rows[0])?.name ?? "";
}

/** The table of one work. */
export function table(outcome: Outcome): string {
  const go = rivalOf(outcome, /^go/), js = rivalOf(outcome, /^js/);
  const extra = Object.keys(outcome.rows.find(({ also }) => also)?.also ?? {});
  const lines = [
    `### ${outcome.title}`,
    "",
    `| | ${outcome.unit} | min-max | to ${go || "Go"} | to ${
      js || "js-libp2p"
    } | ${extra.join(" | ")} |`,
    `| --- | --: | --: | --: | --: |${" --: |".repeat(extra.length)}`,
  ];
  for (const row of outcome.rows) {
    if (row.values.length === 0) {
      lines.push(`| ${row.name} | ${row.error} |`);
      continue;
    }
    const { values } = row;
    lines.push(
      `| ${row.name} | ${digits(median(values))} | ${
        digits(Math.min(...values))
      }-${digits(Math.max(...values))} | ${ratio(outcome, row, go)} | ${
        ratio(outcome, row, js)
      } | ${extra.map((name) => digits(median(row.also[name]))).join(" | ")} |`,
    );
  }
  return lines.join("\n") + "\n";
}

const COLOURS: [RegExp, string][] = [
  [/^go/, "#7a8793"],
  [/^deno/, "#1b6f5c"],
  [/^bun/, "#c05f2e"],
  [/^node/, "#7c5aa6"],
  [/^js/, "#b9a23a"],
  [/^python/, "#4a6fa5"],
];

/** Bars for each work, as long as the medians. */
export function chart(outcomes: Outcome[]): string {
  const text: string[] = [];
  let y = 10;
  for (const { title, unit, rows } of outcomes) {
    const shown = rows.filter(({ values }) => values.length > 0);
    const most = Math.max(...shown.map(({ values }) => median(values)));
    text.push(
      `<text x="10" y="${y + 12}" class="title">${title} (${unit})</text>`,
    );
    y += 20;
    for (const { name, values } of shown) {
      const value = median(values);
      const width = Math.max(1, 420 * value / most);
      const [, colour] = COLOURS.find(([pattern]) => pattern.test(name))!;
      text.push(
        `<text x="180" y="${y + 11}" text-anchor="end">${name}</text>`,
        `<rect x="188" y="${y}" width="${
          width.toFixed(1)
        }" height="13" fill="${colour}"/>`,
        `<text x="${(194 + width).toFixed(1)}" y="${y + 11}">${
          digits(value)
        }</text>`,
      );
      y += 17;
    }
    y += 12;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 ${y}" ` +
    `font-family="sans-serif" font-size="11">\n` +
    `<style>.title{font-weight:bold}</style>\n` +
    `<rect width="700" height="${y}" fill="white"/>\n${
      text.join("\n")
    }\n</svg>\n`;
}

/**
 * Reads JSON in a single pass that never goes back, where `JSON.parse` cannot be used: it refuses the three words that Python
 * writes beside it, NaN and the two infinities, and in V8 it takes seconds for many strings whose hashes were made equal.
 *
 * @module
 */

const WORDS = new Map<string, number>([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
]);
/** The longest number that a place in a list can have; V8's kMaxInternalizedStringValueLength. */
export const LONGEST_NUMERAL = 10;
const SPACE = " \t\n\r";
const MARKS = "{}[],:";
/** What ends a number or a word. */
const ENDS = new Set(`${SPACE}${MARKS}"`);

/** Reads one text. */
export class JsonReader {
  readonly #text: string;
  readonly #words: boolean;
  #at = 0;
  /** What comes next; empty at the end. */
  #token = "";

  /** `words` says whether those words are taken. */
  constructor(text: string, words: boolean) {
    this.#text = text;
    this.#words = words;
    this.#advance();
  }

  /**
   * Reads all of the text. It calls itself for each list and object, so the caller has to know that they are not nested too deep.
   *
   * @throws {SyntaxError} If it is not JSON.
   */
  read(): unknown {
    const value = this.#value();
    if (this.#token !== "") this.#refuse();
    return value;
  }

  #value(): unknown {
    if (this.#takes("{")) return this.#object();
    if (this.#takes("[")) return this.#list();
    const token = this.#token;
    if (token.startsWith('"')) return this.#string();
    this.#advance();
    const word = this.#words ? WORDS.get(token) : undefined;
    return word ?? JSON.parse(token);
  }

  #string(): string {
    const token = this.#token;
    if (!token.startsWith('"')) this.#refuse();
    this.#advance();
    return unquote(token);
  }

  #list(): unknown[] {
    const list: unknown[] = [];
    if (this.#takes("]")) return list;
    do list.push(this.#value()); while (this.#takes(","));
    this.#expect("]");
    return list;
  }

  #object(): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    if (this.#takes("}")) return {};
    do {
      const key = this.#string();
      this.#expect(":");
      entries.push([key, this.#value()]);
    } while (this.#takes(","));
    this.#expect("}");
    // An entry of the name `__proto__` is one like any other here, as in JSON.parse.
    return Object.fromEntries(entries);
  }

  #takes(mark: string): boolean {
    if (this.#token !== mark) return false;
    this.#advance();
    return true;
  }

  #expect(mark: string): void {
    if (!this.#takes(mark)) this.#refuse();
  }

  #refuse(): never {
    throw new SyntaxError(`unexpected token before character ${this.#at}`);
  }

  #advance(): void {
    const text = this.#text;
    let at = this.#at;
    while (at < text.length && SPACE.includes(text[at])) at++;
    let end = at + 1;
    if (text[at] === '"') {
      while (end < text.length && text[end] !== '"') {
        end += text[end] === "\\" ? 2 : 1;
      }
      if (++end > text.length) this.#refuse();
    } else if (!MARKS.includes(text[at])) {
      while (end < text.length && !ENDS.has(text[end])) end++;
    }
    this.#token = text.slice(at, end);
    this.#at = end;
  }
}

/**
 * What stands between two quotes. V8 puts short strings that it reads from JSON into a table, where those that look like whole
 * numbers have hashes that anybody can make equal; so these are not read by `JSON.parse`.
 */
function unquote(token: string): string {
  if (token.length > LONGEST_NUMERAL + 2 || token.includes("\\")) {
    return JSON.parse(token);
  }
  // deno-lint-ignore no-control-regex
  if (/[\0-\x1f]/.test(token)) throw new SyntaxError("a string is not escaped");
  return token.slice(1, -1);
}

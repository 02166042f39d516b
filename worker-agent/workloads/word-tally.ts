/** Counts bytes, lines and words as `wc` does in the C locale, across any cut of the text into chunks. */

/** isspace() of the C locale: tab, line feed, vertical tab, form feed, carriage return, space. */
const isSpace = new Uint8Array(256);
for (const byte of [9, 10, 11, 12, 13, 32]) isSpace[byte] = 1;
const lineFeed = 10;

export const topWords = 10;
/** Distinct words that are counted one by one; beyond it the rarest are forgotten and `top` may be inexact. */
export const distinctWordsMax = 100_000;
/** Longer words are counted by this beginning. */
export const wordBytesMax = 128;

export interface TallyState {
  bytes: number;
  lines: number;
  words: number;
  /** The word that the last chunk ended within, in latin1 so that no byte is lost; "" outside a word. */
  in_word: string;
  exact: boolean;
  counts: [word: string, count: number][];
}
export interface TallyResult {
  readonly bytes: number;
  readonly lines: number;
  readonly words: number;
  readonly top: readonly { readonly word: string; readonly count: number }[];
  readonly top_exact: boolean;
}

export class WordTally {
  #bytes: number;
  #lines: number;
  #words: number;
  #open: string;
  #exact: boolean;
  #counts: Map<string, number>;

  constructor(state: TallyState | null) {
    this.#bytes = state?.bytes ?? 0;
    this.#lines = state?.lines ?? 0;
    this.#words = state?.words ?? 0;
    this.#open = state?.in_word ?? "";
    this.#exact = state?.exact ?? true;
    this.#counts = new Map(state?.counts);
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Buffer): void {
    let start = this.#open === "" ? -1 : 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte === lineFeed) this.#lines += 1;
      if (isSpace[byte] === 0) {
        if (start < 0) start = at;
      } else if (start >= 0) {
        this.#close(chunk, start, at);
        start = -1;
      }
    }
    this.#bytes += chunk.length;
    if (start >= 0) this.#open = this.#withOpen(chunk, start, chunk.length);
  }

  state(): TallyState {
    return {
      ...{ bytes: this.#bytes, lines: this.#lines, words: this.#words, in_word: this.#open, exact: this.#exact },
      counts: [...this.#counts],
    };
  }

  /** Ends the last word. */
  result(): TallyResult {
    if (this.#open !== "") this.#close(Buffer.alloc(0), 0, 0);
    const ranked = [...this.#counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, topWords);
    const top = ranked.map(([word, count]) => ({ word: readable(word), count }));
    return { bytes: this.#bytes, lines: this.#lines, words: this.#words, top, top_exact: this.#exact };
  }

  #close(chunk: Buffer, start: number, end: number): void {
    const word = this.#withOpen(chunk, start, end);
    this.#open = "";
    this.#words += 1;
    this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
    if (this.#counts.size > distinctWordsMax) this.#forgetRarest();
  }

  #withOpen(chunk: Buffer, start: number, end: number): string {
    const word = chunk.toString("latin1", start, Math.min(end, start + wordBytesMax));
    return this.#open === "" ? word : (this.#open + word).slice(0, wordBytesMax);
  }

  /** Keeps the more frequent half, so that this happens seldom. */
  #forgetRarest(): void {
    const ranked = [...this.#counts].sort(([, m], [, n]) => n - m);
    this.#counts = new Map(ranked.slice(0, distinctWordsMax / 2));
    this.#exact = false;
  }
}

/** The bytes read as UTF-8; a NUL, which no database takes, is shown as a replacement character. */
const readable = (latin1: string): string =>
  Buffer.from(latin1, "latin1").toString("utf8").replaceAll("\u0000", "\ufffd");

/** A text of some 50 MB that reads like one, the same in every run, made in a moment. */
import { closeSync, openSync, writeSync } from "node:fs";

const chapters = 50;
const chapterWords = 185_000; // about a megabyte
const sentenceWordsMin = 5;
const sentenceWordsSpread = 14;
const lineColumns = 76;

const vocabulary = `the of and to a in that it is was for on with as his they at be this from have or by one had not but
what all were when we there can an your which their said if do will each about how up out them then she many some so
these would other into has more her two like him see time could no make than first been its who now people my made over
did down only way find use may water long little very after words called just where most know worker harbour lantern
river mountain letter engine winter garden silence machine copper window journey orchard signal island captain morning
thunder ledger compass whisper railway station village merchant scholar candle bridge shadow silver harvest meadow
anchor weather library clock patient stubborn gentle remarkable unfinished northern luminous ordinary forgotten`.split(
  /\s+/,
);

/** Writes the file; answers its size in bytes. */
export function writeBook(path: string): number {
  const body = makeChapter();
  const file = openSync(path, "wx");
  try {
    return Array.from({ length: chapters }, (_, at) => writeSync(file, `Chapter ${at + 1}\n\n${body}\n`)).reduce(
      (sum, bytes) => sum + bytes,
    );
  } finally {
    closeSync(file);
  }
}

/** Words by a fixed sequence: no run differs from another. */
export function makeChapter(words = chapterWords): string {
  const next = sequence();
  const lines: string[] = [];
  let line = "";
  let left = 0;
  for (let count = 0; count < words; count += 1) {
    const isFirst = left === 0;
    if (isFirst) left = sentenceWordsMin + next(sentenceWordsSpread);
    left -= 1;
    line += `${line === "" ? "" : " "}${nextWord(next, isFirst)}${left === 0 ? "." : ""}`;
    if (line.length < lineColumns) continue;
    lines.push(line);
    line = "";
  }
  return `${lines.join("\n")}\n${line}.\n`;
}

function nextWord(next: (below: number) => number, isFirst: boolean): string {
  const word = vocabulary[next(vocabulary.length)] ?? "";
  return isFirst ? word.charAt(0).toUpperCase() + word.slice(1) : word;
}

/** A linear congruential generator (Numerical Recipes): quick, and good enough for prose. */
function sequence(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

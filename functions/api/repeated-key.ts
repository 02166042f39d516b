/** Keys that an object of a JSON text names twice: `JSON.parse` takes the last one and says nothing. */

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const colon = 0x3a;

/** The first such key, or null. The text must be one that `JSON.parse` has read; one pass, linear in its length. */
export function repeatedKey(text: string): string | null {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === openBrace) open.push(new Set());
    else if (code === closeBrace) open.pop();
    else if (code === quote) {
      const end = endOfText(text, at);
      const keys = open.at(-1);
      // Only a key is followed by a colon, and it belongs to the innermost object.
      if (keys !== undefined && nextSign(text, end + 1) === colon) {
        const key = keyOf(text.slice(at, end + 1));
        if (keys.has(key)) return key;
        keys.add(key);
      }
      at = end;
    }
  }
  return null;
}

/** Where the text that begins at `start` has its closing quote. */
function endOfText(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** Every backslash stands before one quote at most, so all calls together look at each only once. */
function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text.charCodeAt(before - 1) === backslash) before--;
  return (at - before) % 2 === 1;
}

/** JSON knows four kinds of white space, all of them up to U+0020. */
function nextSign(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at);
}

/** `"a"` and `"\u0061"` are one key. */
const keyOf = (written: string): string => (written.includes("\\") ? JSON.parse(written) : written.slice(1, -1));

/** Tokens of pools: told from garbage by themselves, and from API keys. */
import { expect, it } from "vitest";
import { formatKey, parseKey } from "../../../schema/api-key.ts";
import { formatPoolToken, parsePoolToken } from "../../../schema/pool-token.ts";

const secret = new Uint8Array(32).fill(1);

it.each(["default", "gpu-large", "0", "a".repeat(63)])("says which pool it is for: %s", async (pool) => {
  expect(await parsePoolToken(await formatPoolToken(pool, secret))).toBe(pool);
});

it("is garbage with any character changed, left out or added", async () => {
  const token = await formatPoolToken("gpu", secret);
  for (let at = 0; at < token.length; at += 1) {
    const other = token[at] === "1" ? "2" : "1";
    expect(await parsePoolToken(`${token.slice(0, at)}${other}${token.slice(at + 1)}`)).toBe(null);
    expect(await parsePoolToken(`${token.slice(0, at)}${token.slice(at + 1)}`)).toBe(null);
  }
  expect(await parsePoolToken(`${token}0`)).toBe(null);
  expect(await parsePoolToken("")).toBe(null);
});

it("is no API key, and an API key is no token", async () => {
  expect(await parseKey(await formatPoolToken("admin", secret))).toBe(null);
  expect(await parsePoolToken(await formatKey("admin", secret))).toBe(null);
});

it("is another text for another pool, though the secret is the same", async () => {
  expect(await formatPoolToken("a", secret)).not.toBe(await formatPoolToken("b", secret));
});

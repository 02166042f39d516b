/** Comparing secrets: equal when they are, in any time. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { constantTimeEqual, sameSecret } from "../../../functions/api/constant-time.ts";

/** Two texts that differ in no place, in one, or in all. */
const pairs = fc.oneof(
  fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })),
  fc.string({ unit: "binary" }).map((text) => [text, text] as const),
  fc.tuple(fc.string({ minLength: 1 }), fc.nat(), fc.string({ maxLength: 2 })).map(([text, at, put]) => {
    const place = at % text.length;
    return [text, text.slice(0, place) + put + text.slice(place + 1)] as const;
  }),
);

it("says of any two texts what === says", () => {
  fc.assert(
    fc.property(pairs, ([left, right]) => {
      expect(constantTimeEqual(left, right)).toBe(left === right);
    }),
    { numRuns: 1_000 },
  );
});

it("says the same of secrets of any length", async () => {
  await fc.assert(
    fc.asyncProperty(pairs, async ([left, right]) => {
      fc.pre(left.isWellFormed() && right.isWellFormed());
      expect(await sameSecret(left, right)).toBe(left === right);
    }),
  );
});

/** Days and hours without workloads have their place. */
import { describe, expect, test } from "vitest";
import { unitStart, withEmptyBuckets } from "../../../functions/domain/statistics.ts";
import { type Bucket, bucketSchema } from "../../../schema/http/statistics.ts";

const day = Date.UTC(2026, 1, 27);
const hour = 3_600_000;
const iso = (at: number) => new Date(at).toISOString();

const bucket = (start: string | null, workload_type: string | null = null): Bucket => ({
  ...(withEmptyBuckets({ from: 0, to: 1, by: "day" }, [])[0] ?? bucketSchema.parse({})),
  start,
  workload_type,
  submitted: 3,
});

describe("statistics", () => {
  test("have a bucket for each day of the span, over the end of a month", () => {
    const found = bucket(iso(day + 24 * hour));
    const all = withEmptyBuckets({ from: day + hour, to: day + 48 * hour + 1, by: "day" }, [found]);
    expect(all.map(({ start, submitted }) => [start, submitted])).toEqual([
      ["2026-02-27T00:00:00.000Z", 0],
      ["2026-02-28T00:00:00.000Z", 3],
      ["2026-03-01T00:00:00.000Z", 0],
    ]);
    expect(bucketSchema.strict().array().parse(all)).toEqual(all);
  });

  test("have a bucket for each hour, and none for the one that begins with the end", () => {
    const all = withEmptyBuckets({ from: day, to: day + 3 * hour, by: "hour" }, []);
    expect(all.map(({ start }) => start)).toEqual([day, day + hour, day + 2 * hour].map(iso));
  });

  test("name only the types that there are", () => {
    const types = [bucket(null, "noop"), bucket(null, "sleep")];
    expect(withEmptyBuckets({ from: day, to: day + hour, by: "type" }, types)).toEqual(types);
  });

  test("begin a day at midnight and an hour at its full", () => {
    expect(unitStart(day + hour + 1, "day")).toBe(day);
    expect(unitStart(day + hour + 1, "hour")).toBe(day + hour);
    expect(unitStart(day, "day")).toBe(day);
  });
});

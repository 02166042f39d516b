/** The page that the tour makes: stable names, readable JSON, and a skeleton that notices what a reader would. */
import { describe, expect, it } from "vitest";
import { jsonText } from "../../../infra/local/tour/json-text.ts";
import { pageOf } from "../../../infra/local/tour/page.ts";
import { stabilise } from "../../../infra/local/tour/stable.ts";
import { skeletonOf } from "../../support/page-skeleton.ts";

const [one, other] = ["wl_01kaw3m2c8v5q0x9r7t4y6z1ba", "wl_01kaw3m2c9d0e1f2g3h4j5k6m7"];

describe("names", () => {
  const stable = (text: string) => stabilise([])(text);

  it("are short, and the same for the same id", () => {
    expect(stable(`${one} ${other} ${one}`)).toBe("wl_…a1 wl_…a2 wl_…a1");
  });

  it("show no secret, no token and no cursor, but how they begin", () => {
    const secret = `nyt_cust_01kavx5w2n8p4r6s0t3v7y9zbc_${"0123456789abcdef".repeat(4)}89abcdef`;
    expect(stable(secret)).toBe("nyt_cust_…c1_…");
    expect(stable('{"credentials":"eyJh.eyJq.c2ln"}')).toBe('{"credentials":"eyJ…"}');
    expect(stable('{"next_cursor":"WyJsaXZlIiwid2xfMDFrYX"}')).toBe('{"next_cursor":"WyJsaXZl…"}');
  });
});

describe("times", () => {
  const section = (begunAt: string, output: string, typed = "") => ({ begunAt: Date.parse(begunAt), typed, output });

  it("keep their order, and those that were typed stay", () => {
    const [first, second, typed] = ["2031-05-06T07:08:09.123Z", "2031-05-06T07:08:09.700Z", "2040-01-01T00:00:00.000Z"];
    const output = `${second} ${first} ${typed}`;
    const named = stabilise([section("2031-05-06T07:08:09.000Z", output, "until 2040-01-01T00:00:00Z")])(output);
    expect(named).toBe(`2026-11-23T09:00:00.250Z 2026-11-23T09:00:00.000Z ${typed}`);
  });

  it("that are to come are as far ahead as they were", () => {
    const inAnHour = "2031-05-06T08:08:10.100Z";
    const sections = [section("2031-05-06T07:08:09.000Z", inAnHour), section("2031-05-06T07:08:10.000Z", "")];
    expect(stabilise(sections)(inAnHour)).toBe("2026-11-23T10:00:00.000Z");
  });
});

it("writes on one line what fits it", () => {
  expect(jsonText({ a: [1, { b: null }] })).toBe('{ "a": [1, { "b": null }] }');
  expect(jsonText({ a: "x".repeat(100), b: {} })).toBe(`{\n  "a": "${"x".repeat(100)}",\n  "b": {}\n}`);
});

describe("the skeleton of a page", () => {
  const page = (output: string, { say = "It is there.", status = 200 } = {}) =>
    pageOf("# Title", [
      { title: "One", begunAt: 0, steps: [{ say, run: "curl -s $API/x", outcome: { status, output } }] },
    ]);
  const reply = page('{"id":"a","list":[{"n":1},{"n":2,"m":null}]}');

  it("is the same for other values, and as many items as there may be", () => {
    expect(skeletonOf(page('{"id":"b","list":[{"n":7,"m":"x"}]}'))).toBe(skeletonOf(reply));
  });

  it.each([
    ["a field that is missing", page('{"list":[{"n":1,"m":null}]}')],
    ["a field that is new", page('{"id":"a","list":[{"n":1,"m":null}],"more":1}')],
    ["a field of an item that is new", page('{"id":"a","list":[{"n":1,"m":null,"o":1}]}')],
    ["another status", page('{"id":"a","list":[{"n":1},{"n":2,"m":null}]}', { status: 201 })],
    ["other prose", page('{"id":"a","list":[{"n":1},{"n":2,"m":null}]}', { say: "It is not." })],
  ])("is another with %s", (_, changed) => {
    expect(skeletonOf(changed)).not.toBe(skeletonOf(reply));
  });

  it("has every kind of message of a stream once", () => {
    const told = (...types: string[]) =>
      page(types.map((type) => `event: ${type}\ndata: {"type":"${type}"}`).join("\n\n"));
    expect(skeletonOf(told("hello", "log_line", "log_line"))).toBe(skeletonOf(told("hello", "log_line")));
    expect(skeletonOf(told("hello"))).not.toBe(skeletonOf(told("hello", "log_line")));
  });
});

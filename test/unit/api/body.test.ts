/** Bodies that are no good: the right refusal for each, and never a 500. */
import { describe, expect, it } from "vitest";
import { bodyBytesMax, jsonDepthMax } from "../../../schema/limits.ts";
import { startApi } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const json = { "content-type": "application/json" };

async function setUp() {
  const api = await startApi();
  const { key } = await api.addCustomer();
  const post = (body: BodyInit, headers: Record<string, string> = json) =>
    api.send("POST", "/v1/workloads", { key, body, headers });
  return { api, key, post };
}

/** A valid submission, padded with white space to a size. */
const padded = (bytes: number) => '{"workload_type":"noop"}'.padEnd(bytes);

/** Sent in pieces, without a content-length. */
function streamed(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + 65_536));
      at += 65_536;
    },
  });
}

/** Containers nested `depth` deep in all: the body itself is one. */
const nested = (depth: number) =>
  `{"workload_type":"noop","input_params":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;

describe("the body of a request", () => {
  it("may have exactly the largest size, and not one byte more", async () => {
    const { post } = await setUp();
    expect((await post(padded(bodyBytesMax))).status).toBe(202);
    await expectRefused(await post(padded(bodyBytesMax + 1)), 413, "PAYLOAD_TOO_LARGE");
  });

  it("is counted while it is read where no length was given", async () => {
    const { post } = await setUp();
    expect((await post(streamed(padded(bodyBytesMax)))).status).toBe(202);
    await expectRefused(await post(streamed(padded(bodyBytesMax + 1))), 413, "PAYLOAD_TOO_LARGE");
  });

  it("is not read any further once it is too large", async () => {
    const { post } = await setUp();
    const chunk = new Uint8Array(65_536).fill(0x20);
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(chunk) });
    await expectRefused(await post(endless), 413, "PAYLOAD_TOO_LARGE");
  });

  it("is refused by its stated length before it is read", async () => {
    const { post } = await setUp();
    const reply = await post(padded(30), { ...json, "content-length": String(bodyBytesMax + 1) });
    await expectRefused(reply, 413, "PAYLOAD_TOO_LARGE");
  });

  it("may break off without a 500", async () => {
    const { post } = await setUp();
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("connection reset")) });
    await expectRefused(await post(broken), 400, "INVALID_INPUT");
  });

  it.each(["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])(
    "is read as %s",
    async (type) => {
      const { post } = await setUp();
      expect((await post(padded(30), { "content-type": type })).status).toBe(202);
    },
  );

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=latin1",
    "application/jsonp",
    "application/merge-patch+json",
    "",
  ])("is refused with 415 as '%s'", async (type) => {
    const { post } = await setUp();
    await expectRefused(await post(padded(30), { "content-type": type }), 415, "UNSUPPORTED_MEDIA_TYPE");
  });

  it("is refused with 415 when it is compressed", async () => {
    const { post } = await setUp();
    const reply = await post(padded(30), { ...json, "content-encoding": "gzip" });
    await expectRefused(reply, 415, "UNSUPPORTED_MEDIA_TYPE");
  });

  it.each([
    ["empty", ""],
    ["cut off", '{"workload_type":'],
    ["two values", "{}{}"],
    ["not JSON", "{workload_type:'noop'}"],
    ["a number out of range", '{"workload_type":"noop","input_params":1e999}'],
    ["a NUL", '{"workload_type":"noop","input_params":"\\u0000"}'],
    ["a NUL in a key", '{"workload_type":"noop","input_params":{"\\u0000":1}}'],
    ["half a surrogate pair", '{"workload_type":"noop","input_params":"\\ud800"}'],
    ["__proto__", '{"workload_type":"noop","input_params":{"__proto__":{"admin":true}}}'],
    ["__proto__ at the top", '{"workload_type":"noop","__proto__":{"priority":5}}'],
    ["constructor", '{"workload_type":"noop","labels":{"constructor":"x"}}'],
  ])("is refused with 400 when it is or has %s", async (_what, text) => {
    const { post } = await setUp();
    await expectRefused(await post(text), 400, "INVALID_INPUT");
  });

  it("is refused with 400 when it is not UTF-8", async () => {
    const { post } = await setUp();
    await expectRefused(await post(new Uint8Array([0x22, 0xff, 0xfe, 0x22])), 400, "INVALID_INPUT");
  });

  it("may be nested to the limit and not one level deeper", async () => {
    const { post } = await setUp();
    expect((await post(nested(jsonDepthMax))).status).toBe(202);
    await expectRefused(await post(nested(jsonDepthMax + 1)), 400, "INVALID_INPUT");
  });

  it("may be nested half a million deep without a 500", async () => {
    const { post } = await setUp();
    await expectRefused(await post(nested(500_000)), 400, "INVALID_INPUT");
  });
});

/** The OpenAPI document: it says what the router does, all of it, and nothing else. */
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { beforeAll, describe, expect, it } from "vitest";
import { errorCodes } from "../../../schema/status.ts";
import { startApi } from "../../support/api-fixture.ts";
import { conformance } from "../../support/conformance.ts";
import { type Documented, documentOf, operationsOf } from "../../support/documented.ts";

let text: string;
let document: Documented;

beforeAll(async () => {
  text = await (await (await startApi()).app.request("/openapi.json")).text();
  document = documentOf(text);
});

describe("the document", () => {
  it("has every route of the router, and no other", async () => {
    const { app } = await startApi();
    const routed = app.routes
      .filter(({ method, path }) => method !== "ALL" && path !== "/*")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const written = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
    expect(written.toSorted()).toEqual(Array.from(new Set(routed)).toSorted());
  });

  it("is answered by the router, operation by operation", async () => {
    const { app } = await startApi();
    for (const { method, path } of operationsOf(document)) {
      const { status } = await app.request(path.replaceAll(/\{\w+\}/g, "x"), { method });
      expect({ method, path, status }).not.toMatchObject({ status: 405 });
    }
  });

  it("gives a public linter nothing to say", async () => {
    const config = await createConfig({ extends: ["recommended-strict"] });
    const problems = await lintFromString({ source: text, config, absoluteRef: "openapi.json" });
    const told = problems.map(({ ruleId, message, location: [at] }) => `${ruleId}: ${message} ${at?.pointer}`);
    // What succeeds by becoming a WebSocket has no reply of the 200s, only a 101.
    const isUpgrade = (line: string) => /^operation-2xx-response: .*~1ws~1/.test(line);
    expect(told.filter((line) => !isUpgrade(line))).toEqual([]);
  });

  it("is the same whenever it is made", async () => {
    expect(await (await (await startApi()).app.request("/openapi.json")).text()).toBe(text);
  });

  it("names every operation, and says what each status means", () => {
    const ids = operationsOf(document).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operationsOf(document)) {
      expect(operation.summary, path).toMatch(/\S/);
      expect(operation.tags, path).toHaveLength(1);
      for (const reply of Object.values(operation.responses)) expect(reply.description, path).toMatch(/\S/);
    }
  });

  it("says what each parameter means, and has a schema for it", () => {
    const { problemsOf } = conformance(document);
    for (const { path, parameters } of operationsOf(document)) {
      for (const { name, description, schema } of parameters) {
        expect({ path, name, text: description ?? "" }).toMatchObject({ text: expect.stringMatching(/\S/) });
        expect(() => problemsOf(schema, "")).not.toThrow();
      }
    }
  });

  it.each([
    [["created_after", "since", "from"], /at this time or later/],
    [["created_before", "until", "to"], /before this time/],
    [["level"], /and above/],
  ])("says of %j where it ends, as it does", (names, wording) => {
    const all = operationsOf(document).flatMap(({ parameters }) => parameters);
    const found = all.filter((one) => one.in === "query" && names.includes(one.name));
    expect(new Set(found.map(({ name }) => name))).toEqual(new Set(names));
    for (const { description } of found) expect(description).toMatch(wording);
  });

  it("knows every error code", () => {
    const codes = errorCodes.filter((code) => code !== "METHOD_NOT_ALLOWED");
    for (const code of codes) expect(text).toContain(`"code":"${code}"`);
  });

  it("shows only examples that are what they say", () => {
    const { problemsOf } = conformance(document);
    for (const { path, method, operation, parameters } of operationsOf(document)) {
      for (const { name, schema, example } of parameters.filter((one) => one.example !== undefined)) {
        expect({ path, name, problems: problemsOf(schema, example) }).toMatchObject({ problems: [] });
      }
      const replies = Object.values(operation.responses).flatMap((reply) => Object.values(reply.content ?? {}));
      for (const { schema, example, examples } of [
        ...replies,
        ...Object.values(operation.requestBody?.content ?? {}),
      ]) {
        const shown = [...(example === undefined ? [] : [example]), ...document.examplesOf(examples)];
        for (const value of shown)
          expect({ method, path, problems: problemsOf(schema, value) }).toMatchObject({ problems: [] });
      }
    }
  });

  it("has an example for every body and every reply that has one", () => {
    for (const { path, method, operation } of operationsOf(document)) {
      const replies = Object.entries(operation.responses).flatMap(([status, reply]) =>
        Object.values(reply.content ?? {}).map((content) => ({ status, content })),
      );
      const bare = replies.filter(({ content }) => content.example === undefined && content.examples === undefined);
      expect({ method, path, without: bare.map(({ status }) => status) }).toMatchObject({ without: [] });
    }
  });
});

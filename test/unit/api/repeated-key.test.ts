/** Objects that name a key twice are found in any JSON text, and no others. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { repeatedKey } from "../../../functions/api/repeated-key.ts";
import { bodyBytesMax } from "../../../schema/limits.ts";
import { startPosting } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

/** JSON as a list of its members, so that an object may have a key twice. */
type Tree = { members: [string, Tree][] } | { items: Tree[] } | { leaf: string };

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.constantFrom('"', "\\", '\\"', ":", "{", "a", "b"),
);
const leaf = fc
  .oneof(text, fc.double(), fc.boolean(), fc.constant(null))
  .map((value) => ({ leaf: JSON.stringify(value) }));
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(fc.tuple(text, tie("tree")), { maxLength: 4 }).map((members) => ({ members })),
    fc.array(tie("tree"), { maxLength: 3 }).map((items) => ({ items })),
  ),
}));

const space = fc.constantFrom("", " ", "\n\t", "\r\n");
const escaped = (key: string) =>
  `"${Array.from(key, (_, at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;

/** `gap` between all signs; every second key is written with escapes only. */
function written(node: Tree, gap: string): string {
  if ("leaf" in node) return node.leaf;
  if ("items" in node) return `[${gap}${node.items.map((item) => written(item, gap)).join(`${gap},${gap}`)}${gap}]`;
  const key = (name: string, at: number) =>
    at % 2 === 1 && name.length === [...name].length ? escaped(name) : JSON.stringify(name);
  const members = node.members.map(([name, value], at) => `${key(name, at)}${gap}:${gap}${written(value, gap)}`);
  return `{${gap}${members.join(`${gap},${gap}`)}${gap}}`;
}

function hasTwice(node: Tree): boolean {
  if ("leaf" in node) return false;
  if ("items" in node) return node.items.some(hasTwice);
  const names = node.members.map(([name]) => name);
  return new Set(names).size < names.length || node.members.some(([, value]) => hasTwice(value));
}

describe("a key that comes twice", () => {
  it("is found exactly where an object has one", () => {
    fc.assert(
      fc.property(tree, space, (node, gap) => {
        const json = written(node, gap);
        JSON.parse(json);
        expect({ json, found: repeatedKey(json) !== null }).toEqual({ json, found: hasTwice(node) });
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['{"a":1,"a":1}', "a"],
    ['{"a":1,"\\u0061":1}', "a"],
    ['{"x":[{"b":{"b":1}},{"c":1 , "c" : 2}]}', "c"],
    ['{"\\\\":1,"\\"":2,"\\\\":3}', "\\"],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['{"a":"a","b":["a","a"],"c":{"a":1}}', null],
    ['["a","a"]', null],
  ])("in %s is %s", (json, key) => {
    JSON.parse(json);
    expect(repeatedKey(json)).toBe(key);
  });

  it("reads a body of the largest size, whatever it is made of", () => {
    const many = (unit: string) => unit.repeat(Math.floor(bodyBytesMax / unit.length));
    for (const inside of [many("\\\\"), many('\\"'), many("{"), many(" ")])
      expect(repeatedKey(`["${inside}"]`)).toBeNull();
  });

  it("is refused with its name, and nothing is stored", async () => {
    const { api, tenant } = await startPosting("/v1/workloads");
    const body = '{"workload_type":"noop","priority":1,"priority":2}';
    const headers = { "content-type": "application/json" };
    const reply = await api.send("POST", "/v1/workloads", { key: tenant.key, body, headers });
    const { message } = await expectRefused(reply, 400, "INVALID_INPUT");
    expect(message).toBe("invalid input: priority: a key that its object has twice");
    const list = await api.send("GET", "/v1/workloads", { key: tenant.key });
    expect(await list.json()).toMatchObject({ workloads: [] });
  });
});

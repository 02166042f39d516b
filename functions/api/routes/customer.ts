/** The customer that asks: its limits, what it makes use of, and statistics of its workloads. */
import type { CustomerView, UsageView } from "../../../schema/http/customer.ts";
import { customerWithUsageSchema } from "../../../schema/http/customer.ts";
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import { type StatisticsQuery, statisticsQuerySchema, statisticsSchema } from "../../../schema/http/statistics.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import { statisticsDaysDefault, statisticsDaysMax } from "../../../schema/limits.ts";
import { dayMs, type StatisticsRange, unitStart, withEmptyBuckets } from "../../domain/statistics.ts";
import type { ApiContext, ApiDependencies } from "../context.ts";
import { refusalTo } from "../directing.ts";
import type { Checked } from "../errors.ts";
import { type Refused, type Route, reply, route } from "../route.ts";
import { isoTime } from "../time.ts";
import { invalidAt } from "../validation.ts";

type Deps = Pick<ApiDependencies, "store" | "coordinators" | "clock">;

export const exampleCustomer = {
  customer_id: exampleIds.customer,
  name: "Example Ltd",
  tier: "standard",
  suspended: false,
  limits: { running_max: 150, queue_depth_max: 500, submits_per_second: 10, submit_burst: 50, weight: 10 },
  overrides: { running_max: 150 },
  created_at: exampleTimes.created,
  updated_at: exampleTimes.created,
};
export const exampleWithUsage = { ...exampleCustomer, usage: { running: 12, queued: 40, submit_tokens: 50 } };

export const getCustomer = (deps: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/customer",
    operationId: "getCustomer",
    tag: "Customer",
    summary: "The customer that this key belongs to: its limits, and what it makes use of now",
    access: "workloads:read",
    replies: { 200: { description: "The customer", schema: customerWithUsageSchema, example: exampleWithUsage } },
    refusals: ["unavailable"],
    handle: async (_input, c) => {
      const customer = await customerWithUsage(deps, c, c.var.customer.customerId);
      return "refusal" in customer ? customer : reply(200, customer);
    },
  });

/** Its row, with what its coordinator counts. */
export async function customerWithUsage(
  { store, coordinators }: Deps,
  c: ApiContext,
  customerId: CustomerId,
): Promise<(CustomerView & { usage: UsageView }) | Refused> {
  const customer = await store.customer(customerId);
  if (customer === null) return { refusal: refusalTo(c, { kind: "unknown_customer" }) };
  const usage = await coordinators.usage(customerId);
  return usage.ok ? { ...customer, usage: usage.value } : { refusal: refusalTo(c, usage.refusal) };
}

const statisticsShape = { schema: statisticsQuerySchema, repeatable: [], times: ["from", "to"] } as const;

const exampleStatistics = {
  from: "2026-11-23T00:00:00.000Z",
  to: "2026-11-23T12:00:00.000Z",
  by: "day",
  buckets: [
    {
      start: "2026-11-23T00:00:00.000Z",
      workload_type: null,
      submitted: 120,
      completed: 100,
      failed: 3,
      cancelled: 2,
      still_open: 15,
      retries: 4,
      average_duration_seconds: 62.5,
      p95_duration_seconds: 140.25,
      average_wait_seconds: 0.012,
      p95_wait_seconds: 0.03,
    },
  ],
};

export const getStatistics = ({ store, clock }: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/customer/stats",
    operationId: "getStatistics",
    tag: "Customer",
    summary: "What became of the workloads that were submitted between two times",
    description:
      `By day or hour (UTC) of their submission, or by their type. From \`from\` until before \`to\`, at most ` +
      `${statisticsDaysMax} days; without them the last ${statisticsDaysDefault} days, today included.`,
    access: "workloads:read",
    query: statisticsShape,
    replies: { 200: { description: "Counts and times", schema: statisticsSchema, example: exampleStatistics } },
    handle: async ({ query }, c) => {
      const range = rangeOf(query, clock());
      if (!range.ok) return { refusal: range.refusal };
      const found = await store.statistics(c.var.customer.customerId, range.value);
      const { from, to, by } = range.value;
      return reply(200, { from: isoTime(from), to: isoTime(to), by, buckets: withEmptyBuckets(range.value, found) });
    },
  });

function rangeOf({ from: begin, to: end, by }: StatisticsQuery, now: number): Checked<StatisticsRange> {
  // What was submitted in this very millisecond is in it.
  const to = end === undefined ? now + 1 : Date.parse(end);
  const from = begin === undefined ? unitStart(to, "day") - (statisticsDaysDefault - 1) * dayMs : Date.parse(begin);
  if (from >= to) return invalidAt("from", "not before to");
  if (to - from > statisticsDaysMax * dayMs) return invalidAt("from", `more than ${statisticsDaysMax} days before to`);
  return { ok: true, value: { from: Math.max(0, from), to, by } };
}

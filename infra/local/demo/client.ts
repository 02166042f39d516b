/** The public HTTP API as any client uses it: submit, look, read the audit trail. */
import type { z } from "zod";
import { submittedSchema } from "../../../schema/http/submit.ts";
import { auditTrailSchema, type WorkloadView, workloadViewSchema } from "../../../schema/http/workload.ts";
import type { WorkloadId } from "../../../schema/ids.ts";

export type Submitted = z.infer<typeof submittedSchema>;
type AuditPage = z.infer<typeof auditTrailSchema>;
export type AuditEvent = AuditPage["events"][number];

export interface Client {
  submit(body: unknown): Promise<{ status: number; reply: Submitted }>;
  workload(id: WorkloadId): Promise<WorkloadView>;
  audit(id: WorkloadId): Promise<AuditEvent[]>;
}

const requestBoundMs = 15_000;

export function createClient(apiUrl: string, key: string, stop: AbortSignal): Client {
  const ask = async <Shape>(path: string, shape: z.ZodType<Shape>, body?: unknown) => {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(requestBoundMs)]);
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    try {
      return await read(await fetch(`${apiUrl}${path}`, { ...init, headers, signal }), shape);
    } catch (error) {
      throw new Error(`${body === undefined ? "GET" : "POST"} ${path}`, { cause: error });
    }
  };
  return {
    submit: (body) => ask("/v1/workloads", submittedSchema, body),
    workload: async (id) => (await ask(`/v1/workloads/${id}`, workloadViewSchema)).reply,
    audit: (id) =>
      wholeTrail(async (query) => (await ask(`/v1/workloads/${id}/audit${query}`, auditTrailSchema)).reply),
  };
}

/** Page by page; `ask` is given the query of the next one. */
async function wholeTrail(ask: (query: string) => Promise<AuditPage>): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (let query: string | null = ""; query !== null; ) {
    const page: AuditPage = await ask(query);
    events.push(...page.events);
    query = page.next_cursor === null ? null : `?cursor=${page.next_cursor}`;
  }
  return events;
}

async function read<Shape>(response: Response, shape: z.ZodType<Shape>): Promise<{ status: number; reply: Shape }> {
  const text = await response.text();
  if (!response.ok) throw new Error(`it answered ${response.status}: ${text}`);
  return { status: response.status, reply: shape.parse(JSON.parse(text)) };
}

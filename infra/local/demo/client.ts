/** The public HTTP API as any client uses it: submit, look, read the audit trail. */
import type { z } from "zod";
import { submittedSchema } from "../../../schema/http/submit.ts";
import { auditTrailSchema, type WorkloadView, workloadViewSchema } from "../../../schema/http/workload.ts";
import type { WorkloadId } from "../../../schema/ids.ts";

export type Submitted = z.infer<typeof submittedSchema>;
export type AuditEvent = z.infer<typeof auditTrailSchema>["events"][number];

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
    audit: async (id) => (await ask(`/v1/workloads/${id}/audit`, auditTrailSchema)).reply.events,
  };
}

async function read<Shape>(response: Response, shape: z.ZodType<Shape>): Promise<{ status: number; reply: Shape }> {
  const text = await response.text();
  if (!response.ok) throw new Error(`it answered ${response.status}: ${text}`);
  return { status: response.status, reply: shape.parse(JSON.parse(text)) };
}

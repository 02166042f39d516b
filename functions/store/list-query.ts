/** What queries of lists mean, wherever they are answered: labels, and the places that cursors name. */
import { z } from "zod";
import type { ListQuery, WorkloadView } from "../../schema/http/workload.ts";
import { type WorkloadId, workloadIdSchema } from "../../schema/ids.ts";
import { priorityMax } from "../../schema/limits.ts";

/** What a column of type integer holds: a number beyond it is not one of ours, and the database would refuse it. */
const integerColumnMax = 2_147_483_647;
const countSchema = z.int().min(0).max(integerColumnMax);

export const listPlaceSchemas = {
  created_at: z.tuple([z.literal("created_at"), workloadIdSchema]),
  priority: z.tuple([z.literal("priority"), z.int().min(0).max(priorityMax), workloadIdSchema]),
};
/** The last workload of a page, in the order of the query. */
export type ListPlace = z.infer<(typeof listPlaceSchemas)["created_at" | "priority"]>;

/** The last log line of a page: its generation, its number within the attempt. */
export const logPlaceSchema = z.tuple([countSchema, countSchema]);
export type LogPlace = z.infer<typeof logPlaceSchema>;

/** The last event of a page. A place is of one list of one workload, and of no other. */
export const auditPlaceSchema = (id: WorkloadId) => z.tuple([z.literal("audit"), z.literal(id), z.int().min(0)]);
/** The generation of the last attempt of a page. */
export const attemptPlaceSchema = (id: WorkloadId) => z.tuple([z.literal("attempts"), z.literal(id), countSchema]);

export const placeOf = (query: ListQuery, { priority, workload_id: id }: WorkloadView): ListPlace =>
  query.order_by === "priority" ? ["priority", priority, id] : ["created_at", id];

/** `name:value`, or `name` alone (value null: any). Only a value may hold a colon. */
export function splitLabel(label: string): { name: string; value: string | null } {
  const colon = label.indexOf(":");
  return colon < 0 ? { name: label, value: null } : { name: label.slice(0, colon), value: label.slice(colon + 1) };
}

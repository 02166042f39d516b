/** What a list query means, wherever it is answered: its labels, and the places that its cursors name. */
import { z } from "zod";
import type { ListQuery, WorkloadView } from "../../schema/http/workload.ts";
import { workloadIdSchema } from "../../schema/ids.ts";

export const listPlaceSchemas = {
  created_at: z.tuple([z.literal("created_at"), workloadIdSchema]),
  priority: z.tuple([z.literal("priority"), z.int(), workloadIdSchema]),
};
/** The last workload of a page, in the order of the query. */
export type ListPlace = z.infer<(typeof listPlaceSchemas)["created_at" | "priority"]>;

export const placeOf = (query: ListQuery, { priority, workload_id: id }: WorkloadView): ListPlace =>
  query.order_by === "priority" ? ["priority", priority, id] : ["created_at", id];

/** `name:value`, or `name` alone (value null: any). */
export function splitLabel(label: string): { name: string; value: string | null } {
  const colon = label.indexOf(":");
  return colon < 0 ? { name: label, value: null } : { name: label.slice(0, colon), value: label.slice(colon + 1) };
}

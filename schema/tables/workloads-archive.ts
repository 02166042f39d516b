/** Workloads that were over for long: read by their id and counted in statistics, and nothing else becomes of them. */
import { pgTable, primaryKey } from "drizzle-orm/pg-core";
import { moment } from "./columns.ts";
import { workloadColumns } from "./workloads.ts";

export const workloadsArchive = pgTable(
  "workloads_archive",
  { ...workloadColumns, archivedAt: moment("archived_at").notNull() },
  (table) => [primaryKey({ columns: [table.customerId, table.workloadId] })],
);

DROP INDEX "workloads_queue";--> statement-breakpoint
ALTER TABLE "workloads" ADD COLUMN "queue_line" text GENERATED ALWAYS AS (
  case when coalesce(affinity - 'soft_affinity'::text, '{}'::jsonb) = '{}'::jsonb then '0 '
    else '1 ' || md5((affinity - 'soft_affinity'::text)::text) || ' ' end || pool || '/' || workload_type) STORED NOT NULL;--> statement-breakpoint
CREATE INDEX "workloads_queue_lines" ON "workloads" USING btree ("customer_id","queue_line","queue_rank","workload_id") WHERE status in ('PENDING', 'REDISTRIBUTING');
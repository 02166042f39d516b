ALTER TABLE "workloads" ADD COLUMN "input_bytes" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- What has ended is never handed out again.
UPDATE "workloads" SET "input_bytes" = octet_length("input_params"::text) WHERE "completed_at" IS NULL;

DROP INDEX "api_keys_customer";--> statement-breakpoint
DROP INDEX "api_keys_hash";--> statement-breakpoint
ALTER TABLE "api_keys" DROP CONSTRAINT "api_keys_pkey";--> statement-breakpoint
ALTER TABLE "audit_events" DROP CONSTRAINT "audit_events_pkey";--> statement-breakpoint
ALTER TABLE "workload_configs" DROP CONSTRAINT "workload_configs_pkey";--> statement-breakpoint
ALTER TABLE "idempotency_keys" ALTER COLUMN "workload_ids" SET DEFAULT '{}';--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_customer_id_key_id_pk" PRIMARY KEY("customer_id","key_id");--> statement-breakpoint
ALTER TABLE "workload_configs" ADD CONSTRAINT "workload_configs_customer_id_config_id_pk" PRIMARY KEY("customer_id","config_id");--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD COLUMN "reply" jsonb;--> statement-breakpoint
ALTER TABLE "workloads" ADD COLUMN "intent" jsonb;--> statement-breakpoint
ALTER TABLE "workloads" ADD COLUMN "retried_from" text;--> statement-breakpoint
CREATE UNIQUE INDEX "audit_events_order" ON "audit_events" USING btree ("customer_id","event_id");--> statement-breakpoint
CREATE INDEX "workloads_ended_badly" ON "workloads" USING btree ("customer_id","workload_id") WHERE status in ('FAILED', 'CANCELLED');--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_hash" ON "api_keys" USING btree ("customer_id","key_hash");
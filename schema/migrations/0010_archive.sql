CREATE TABLE "workloads_archive" (
	"customer_id" text NOT NULL,
	"workload_id" text NOT NULL,
	"workload_type" text NOT NULL,
	"pool" text NOT NULL,
	"status" text NOT NULL,
	"generation" integer NOT NULL,
	"priority" smallint NOT NULL,
	"queue_rank" bigint NOT NULL,
	"due_at" timestamp (3) with time zone,
	"worker_id" text,
	"last_worker_id" text,
	"labels" jsonb NOT NULL,
	"affinity" jsonb,
	"intent" jsonb,
	"retried_from" text,
	"input_params" jsonb NOT NULL,
	"input_bytes" integer DEFAULT 0 NOT NULL,
	"result_data" jsonb,
	"error_type" text,
	"error_message" text,
	"progress_percent" real DEFAULT 0 NOT NULL,
	"progress_message" text,
	"checkpoint_sequence" integer DEFAULT 0 NOT NULL,
	"retry_count" smallint DEFAULT 0 NOT NULL,
	"death_count" smallint DEFAULT 0 NOT NULL,
	"max_retries" smallint NOT NULL,
	"retry_base_ms" integer NOT NULL,
	"retry_cap_ms" integer NOT NULL,
	"timeout_seconds" integer,
	"checkpoint_interval_sec" integer NOT NULL,
	"checkpoint_progress_percent" smallint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"run_at" timestamp (3) with time zone,
	"scheduled_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"completed_at" timestamp (3) with time zone,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"archived_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "workloads_archive_customer_id_workload_id_pk" PRIMARY KEY("customer_id","workload_id")
);
--> statement-breakpoint
ALTER TABLE "workloads_archive" ADD CONSTRAINT "workloads_archive_customer_id_customers_customer_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("customer_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_events_age" ON "audit_events" USING brin ("created_at") WITH (autosummarize=true);--> statement-breakpoint
CREATE INDEX "workload_logs_age" ON "workload_logs" USING brin ("logged_at") WITH (autosummarize=true);--> statement-breakpoint
-- Who keeps the tables small: it may move and drop what is old, of every customer, and nothing else. The control plane
-- becomes it for one transaction. Roles belong to the cluster: another database of it may make them at this very moment.
DO $$
BEGIN
	IF to_regrole('niyanta_retention') IS NULL THEN
		BEGIN
			CREATE ROLE niyanta_retention NOLOGIN;
		EXCEPTION
			WHEN duplicate_object OR unique_violation THEN NULL;
			WHEN insufficient_privilege THEN
				RAISE EXCEPTION 'the role % cannot make the role niyanta_retention: migrate with one that may (CREATEROLE)', current_user
					USING ERRCODE = 'insufficient_privilege';
		END;
	END IF;
	IF NOT EXISTS (
		SELECT FROM pg_auth_members
		WHERE roleid = 'niyanta_retention'::regrole AND member = 'niyanta_api'::regrole AND set_option AND NOT inherit_option
	) THEN
		BEGIN
			GRANT niyanta_retention TO niyanta_api WITH INHERIT FALSE, SET TRUE;
		EXCEPTION
			-- The last one: "tuple concurrently updated".
			WHEN duplicate_object OR unique_violation OR internal_error THEN NULL;
		END;
	END IF;
END $$;
--> statement-breakpoint
GRANT USAGE ON SCHEMA "public" TO niyanta_retention;
--> statement-breakpoint
GRANT SELECT ON "workloads_archive" TO niyanta_api;
--> statement-breakpoint
GRANT SELECT, INSERT ON "workloads_archive" TO niyanta_retention;
--> statement-breakpoint
GRANT SELECT ON "customers", "checkpoints" TO niyanta_retention;
--> statement-breakpoint
GRANT SELECT, DELETE ON "workloads", "audit_events", "workload_logs", "workers", "idempotency_keys" TO niyanta_retention;
--> statement-breakpoint
ALTER TABLE "workloads_archive" ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE "workloads_archive" FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY "own_rows" ON "workloads_archive" TO niyanta_api
	USING (customer_id = nullif(current_setting('niyanta.customer_id', true), ''))
	WITH CHECK (customer_id = nullif(current_setting('niyanta.customer_id', true), ''));
--> statement-breakpoint
DO $$
DECLARE
	table_name text;
BEGIN
	FOREACH table_name IN ARRAY ARRAY[
		'audit_events', 'checkpoints', 'customers', 'idempotency_keys', 'workers', 'workload_logs', 'workloads',
		'workloads_archive'
	] LOOP
		EXECUTE format('CREATE POLICY "retention" ON %I TO niyanta_retention USING (true) WITH CHECK (true)', table_name);
	END LOOP;
END $$;

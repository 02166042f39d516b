CREATE TABLE "api_keys" (
	"key_id" text PRIMARY KEY NOT NULL,
	"customer_id" text NOT NULL,
	"key_hash" text NOT NULL,
	"name" text DEFAULT '' NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone,
	CONSTRAINT "api_keys_hash_hex" CHECK ("api_keys"."key_hash" ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
CREATE TABLE "customers" (
	"customer_id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"tier" text DEFAULT 'free' NOT NULL,
	"overrides" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"suspended_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "customers_tier" CHECK ("customers"."tier" in ('free', 'standard', 'premium', 'enterprise'))
);
--> statement-breakpoint
CREATE TABLE "audit_events" (
	"event_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_events_event_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"customer_id" text,
	"workload_id" text,
	"worker_id" text,
	"event_type" text NOT NULL,
	"actor_type" text NOT NULL,
	"actor_id" text NOT NULL,
	"generation" integer DEFAULT 0 NOT NULL,
	"details" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "audit_events_actor" CHECK ("audit_events"."actor_type" in ('coordinator', 'worker', 'system', 'user'))
);
--> statement-breakpoint
CREATE TABLE "workload_logs" (
	"customer_id" text NOT NULL,
	"workload_id" text NOT NULL,
	"generation" integer NOT NULL,
	"line" integer NOT NULL,
	"logged_at" timestamp (3) with time zone NOT NULL,
	"level" text NOT NULL,
	"message" text NOT NULL,
	"details" jsonb,
	CONSTRAINT "workload_logs_customer_id_workload_id_generation_line_pk" PRIMARY KEY("customer_id","workload_id","generation","line"),
	CONSTRAINT "workload_logs_level" CHECK ("workload_logs"."level" in ('trace', 'debug', 'info', 'warn', 'error', 'fatal'))
);
--> statement-breakpoint
CREATE TABLE "workers" (
	"worker_id" text PRIMARY KEY NOT NULL,
	"pool" text NOT NULL,
	"status" text NOT NULL,
	"capabilities" text[] NOT NULL,
	"slots" integer NOT NULL,
	"tags" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"version" text DEFAULT '' NOT NULL,
	"registered_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "workers_status" CHECK ("workers"."status" in ('HEALTHY', 'DRAINING', 'DEAD', 'REMOVED')),
	CONSTRAINT "workers_slots" CHECK ("workers"."slots" > 0)
);
--> statement-breakpoint
CREATE TABLE "workload_configs" (
	"config_id" text PRIMARY KEY NOT NULL,
	"customer_id" text NOT NULL,
	"workload_type" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"config_json" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"resource_limits" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"checkpoint_interval_sec" integer DEFAULT 300 NOT NULL,
	"checkpoint_progress_percent" integer DEFAULT 10 NOT NULL,
	"max_retries" integer DEFAULT 3 NOT NULL,
	"retry_base_ms" integer DEFAULT 1000 NOT NULL,
	"retry_cap_ms" integer DEFAULT 300000 NOT NULL,
	"timeout_seconds" integer,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "workload_configs_retries" CHECK ("workload_configs"."max_retries" >= 0 and "workload_configs"."retry_cap_ms" >= "workload_configs"."retry_base_ms"),
	CONSTRAINT "workload_configs_timeout" CHECK ("workload_configs"."timeout_seconds" > 0)
);
--> statement-breakpoint
CREATE TABLE "checkpoint_chunks" (
	"customer_id" text NOT NULL,
	"workload_id" text NOT NULL,
	"sequence" integer NOT NULL,
	"generation" integer NOT NULL,
	"chunk_index" smallint NOT NULL,
	"data" "bytea" NOT NULL,
	CONSTRAINT "checkpoint_chunks_customer_id_workload_id_sequence_generation_chunk_index_pk" PRIMARY KEY("customer_id","workload_id","sequence","generation","chunk_index")
);
--> statement-breakpoint
CREATE TABLE "checkpoints" (
	"customer_id" text NOT NULL,
	"workload_id" text NOT NULL,
	"sequence" integer NOT NULL,
	"generation" integer NOT NULL,
	"size_bytes" integer NOT NULL,
	"sha256" text NOT NULL,
	"chunks" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "checkpoints_customer_id_workload_id_sequence_pk" PRIMARY KEY("customer_id","workload_id","sequence")
);
--> statement-breakpoint
CREATE TABLE "coordinator_epochs" (
	"scope" text PRIMARY KEY NOT NULL,
	"epoch" bigint NOT NULL,
	"taken_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"customer_id" text NOT NULL,
	"idempotency_key" text NOT NULL,
	"body_sha256" text NOT NULL,
	"workload_ids" text[] NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_customer_id_idempotency_key_pk" PRIMARY KEY("customer_id","idempotency_key")
);
--> statement-breakpoint
CREATE TABLE "workloads" (
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
	"input_params" jsonb NOT NULL,
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
	CONSTRAINT "workloads_customer_id_workload_id_pk" PRIMARY KEY("customer_id","workload_id"),
	CONSTRAINT "workloads_status" CHECK ("workloads"."status" in ('PENDING','SCHEDULED','RUNNING','PAUSED','REDISTRIBUTING','COMPLETED','FAILED','CANCELLED')),
	CONSTRAINT "workloads_one_worker" CHECK (("workloads"."worker_id" is not null) = ("workloads"."status" in ('SCHEDULED','RUNNING'))),
	CONSTRAINT "workloads_terminal_time" CHECK (("workloads"."completed_at" is not null) = ("workloads"."status" in ('COMPLETED','FAILED','CANCELLED'))),
	CONSTRAINT "workloads_counts" CHECK (generation >= 0 and retry_count >= 0 and death_count >= 0 and retry_count <= max_retries)
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_customer_id_customers_customer_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("customer_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workload_configs" ADD CONSTRAINT "workload_configs_customer_id_customers_customer_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("customer_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "checkpoint_chunks" ADD CONSTRAINT "checkpoint_chunks_customer_id_workload_id_workloads_customer_id_workload_id_fk" FOREIGN KEY ("customer_id","workload_id") REFERENCES "public"."workloads"("customer_id","workload_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "checkpoints" ADD CONSTRAINT "checkpoints_customer_id_workload_id_workloads_customer_id_workload_id_fk" FOREIGN KEY ("customer_id","workload_id") REFERENCES "public"."workloads"("customer_id","workload_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workloads" ADD CONSTRAINT "workloads_customer_id_customers_customer_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("customer_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "api_keys_hash" ON "api_keys" USING btree ("key_hash");--> statement-breakpoint
CREATE INDEX "api_keys_customer" ON "api_keys" USING btree ("customer_id");--> statement-breakpoint
CREATE INDEX "audit_events_workload" ON "audit_events" USING btree ("customer_id","workload_id","event_id");--> statement-breakpoint
CREATE INDEX "audit_events_worker" ON "audit_events" USING btree ("worker_id","event_id") WHERE worker_id is not null;--> statement-breakpoint
CREATE INDEX "workers_pool" ON "workers" USING btree ("pool","status");--> statement-breakpoint
CREATE UNIQUE INDEX "workload_configs_type" ON "workload_configs" USING btree ("customer_id","workload_type");--> statement-breakpoint
CREATE INDEX "idempotency_keys_age" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "workloads_queue" ON "workloads" USING btree ("customer_id","queue_rank","workload_id") WHERE status in ('PENDING', 'REDISTRIBUTING');--> statement-breakpoint
CREATE INDEX "workloads_held" ON "workloads" USING btree ("customer_id") WHERE status in ('SCHEDULED', 'RUNNING');--> statement-breakpoint
CREATE INDEX "workloads_due" ON "workloads" USING btree ("customer_id","due_at") WHERE status = 'PENDING' and due_at is not null;
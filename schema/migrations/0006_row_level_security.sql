-- Tenants are kept apart by the database too. The control plane logs in as niyanta_api, which sees of every table the rows
-- of one customer: the one that its transaction names in niyanta.customer_id, and none without it. What belongs to no
-- customer, or to all, it does as niyanta_operator, for one transaction. Neither owns a table.
-- Roles belong to the cluster: another database of it may make them at this very moment.
DO $$
DECLARE
	role_name text;
BEGIN
	FOREACH role_name IN ARRAY ARRAY['niyanta_api', 'niyanta_operator'] LOOP
		IF to_regrole(role_name) IS NULL THEN
			BEGIN
				EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
			EXCEPTION
				WHEN duplicate_object OR unique_violation THEN NULL;
				WHEN insufficient_privilege THEN
					RAISE EXCEPTION 'the role % cannot make the role %: migrate with one that may (CREATEROLE)', current_user, role_name
						USING ERRCODE = 'insufficient_privilege';
			END;
		END IF;
	END LOOP;
	IF NOT EXISTS (
		SELECT FROM pg_auth_members
		WHERE roleid = 'niyanta_operator'::regrole AND member = 'niyanta_api'::regrole AND set_option AND NOT inherit_option
	) THEN
		BEGIN
			GRANT niyanta_operator TO niyanta_api WITH INHERIT FALSE, SET TRUE;
		EXCEPTION
			-- The last one: "tuple concurrently updated".
			WHEN duplicate_object OR unique_violation OR internal_error THEN NULL;
		END;
	END IF;
END $$;
--> statement-breakpoint
GRANT USAGE ON SCHEMA "public" TO niyanta_api, niyanta_operator;
--> statement-breakpoint
GRANT SELECT, INSERT ON "audit_events", "workload_logs" TO niyanta_api;
--> statement-breakpoint
GRANT SELECT, INSERT, DELETE ON "checkpoints", "checkpoint_chunks" TO niyanta_api;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON "workloads", "api_keys", "idempotency_keys", "coordinator_epochs" TO niyanta_api;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "workload_configs" TO niyanta_api;
--> statement-breakpoint
GRANT SELECT, UPDATE ON "customers" TO niyanta_api;
--> statement-breakpoint
GRANT SELECT ON "workloads" TO niyanta_operator;
--> statement-breakpoint
GRANT SELECT, INSERT ON "customers", "audit_events" TO niyanta_operator;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON "workers", "coordinator_epochs", "idempotency_keys" TO niyanta_operator;
--> statement-breakpoint
-- '' is what a setting of an earlier transaction leaves behind: it names nobody.
DO $$
DECLARE
	own_customer constant text := $e$nullif(current_setting('niyanta.customer_id', true), '')$e$;
	table_name text;
	own_row text;
BEGIN
	FOREACH table_name IN ARRAY ARRAY[
		'api_keys', 'audit_events', 'checkpoint_chunks', 'checkpoints', 'coordinator_epochs', 'customers', 'idempotency_keys',
		'workers', 'workload_configs', 'workload_logs', 'workloads'
	] LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
		EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
		EXECUTE format('CREATE POLICY "operator" ON %I TO niyanta_operator USING (true) WITH CHECK (true)', table_name);
		-- Workers belong to no customer.
		CONTINUE WHEN table_name = 'workers';
		own_row := CASE table_name
			WHEN 'coordinator_epochs' THEN format('scope = ''customer:'' || %s', own_customer)
			ELSE format('customer_id = %s', own_customer)
		END;
		EXECUTE format('CREATE POLICY "own_rows" ON %I TO niyanta_api USING (%s) WITH CHECK (%2$s)', table_name, own_row);
	END LOOP;
END $$;

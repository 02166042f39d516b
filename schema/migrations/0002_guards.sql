-- The audit trail is append-only (I26). Only the retention job deletes from it, in a transaction that says so with
-- set_config('niyanta.retention', 'on', true). Statement triggers cost an insert nothing.
CREATE FUNCTION "audit_events_are_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' AND current_setting('niyanta.retention', true) = 'on' THEN
		RETURN NULL;
	END IF;
	RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'restrict_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER "audit_events_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_events"
	FOR EACH STATEMENT EXECUTE FUNCTION "audit_events_are_append_only"();
--> statement-breakpoint
-- Room on each page for the new version of a row: a progress report then touches no index.
ALTER TABLE "workloads" SET (fillfactor = 85);
--> statement-breakpoint
ALTER TABLE "coordinator_epochs" SET (fillfactor = 50);

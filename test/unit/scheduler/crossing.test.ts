/** An assignment on its way to its worker, and a registration that was sent before it arrived. */
import { expect, test } from "vitest";
import { attach } from "../../../functions/scheduler/attach.ts";
import { dispatchAll } from "../../../functions/scheduler/dispatch.ts";
import { register } from "../../../functions/scheduler/health.ts";
import type { Pool } from "../../../functions/scheduler/pool.ts";
import { newAssignment } from "../../support/scripted-coordinator.ts";
import { customerId, item, workerId, workloadId } from "../domain/pool-builder.ts";
import { registrationOf, stillPool } from "./pool.ts";

const enlist = (pool: Pool) => register(pool, registrationOf(1, 1));

test("an assignment that was asked about before it was sent is not taken for lost", () => {
  const pool = stillPool();
  enlist(pool);
  const attempt = pool.ledger.reserve(item(1), customerId(1), workerId(1));
  const written = { workloadId: workloadId(1), workloadType: "noop", generation: 1, workerId: workerId(1) };
  const update = {
    ...{ customerId: customerId(1), epoch: 1, version: 1, share: { weight: 1, runningMax: 10 } },
    ...{ demand: { items: [], active: true, wakeAt: null }, dispatch: [], unused: [], stops: [], samples: [] },
  };
  const held = [{ ...written, started: false }];
  attach(pool, pool.tenants.get(customerId(1)), { update, held }, pool.ledger.tick());
  expect(attempt.state).toBe("unconfirmed");
  const of = { customer_id: customerId(1), workload_id: workloadId(1), generation: 1 };
  dispatchAll(pool, [{ workerId: workerId(1), assignment: newAssignment(of) }]);
  enlist(pool);
  expect([attempt.state, pool.tenants.get(customerId(1)).losses]).toEqual(["sent", []]);
});

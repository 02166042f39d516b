/** Registers, replaces and deletes workload types of a customer. */
import type { ConfigBody, ConfigView } from "../../schema/http/config.ts";
import type { ConfigId } from "../../schema/ids.ts";
import { typesMax } from "../../schema/limits.ts";
import { typeOf, withoutType, withType } from "../domain/customer.ts";
import { done, refuse } from "../domain/refusal.ts";
import type { Carrier } from "./directory.ts";
import { tellAllPools } from "./offer.ts";
import { written } from "./session.ts";

const viewOf = (configId: ConfigId, body: ConfigBody, createdAt: string, now: number): ConfigView => ({
  config_id: configId,
  ...body,
  created_at: createdAt,
  updated_at: new Date(now).toISOString(),
});

export const createType: Carrier<"create_type"> = async ({ deps, session, now, remember }, { configId, body }) => {
  const { types } = session.customer;
  const { workload_type: workloadType } = body;
  if (types.has(workloadType)) return refuse({ kind: "type_exists", workloadType });
  if (types.size >= typesMax) return refuse({ kind: "too_many_types", typesMax });
  const view = viewOf(configId, body, new Date(now).toISOString(), now);
  written(await deps.store.putType(session.lead, view, remember(view), now));
  session.customer = withType(session.customer, typeOf(view));
  return done(view);
};

/** Workloads keep the policy that they were submitted under; what resources they need is the type's word at any time. */
export const replaceType: Carrier<"replace_type"> = async ({ deps, session, now, remember }, { configId, body }) => {
  const before = await deps.store.workloadType(deps.customerId, configId);
  if (before === null) return refuse({ kind: "unknown_config" });
  const { workload_type: workloadType } = before;
  if (body.workload_type !== workloadType) return refuse({ kind: "type_renamed", workloadType });
  const view = viewOf(configId, body, before.created_at, now);
  written(await deps.store.putType(session.lead, view, remember(view), now));
  session.customer = withType(session.customer, typeOf(view));
  tellAllPools(deps, session);
  return done(view);
};

export const deleteType: Carrier<"delete_type"> = async ({ deps, session, isEntering }, { configId }) => {
  const type = await deps.store.workloadType(deps.customerId, configId);
  if (type === null) return refuse({ kind: "unknown_config" });
  const { workload_type: workloadType } = type;
  if (isEntering(workloadType)) return refuse({ kind: "type_in_use", workloadType });
  const before = session.customer;
  // Before the statement: none of this type may be admitted while it is under way.
  session.customer = withoutType(before, workloadType);
  let isDeleted = false;
  try {
    isDeleted = written(await deps.store.deleteType(session.lead, type)) === "deleted";
  } finally {
    if (!isDeleted) session.customer = before;
  }
  return isDeleted ? done(null) : refuse({ kind: "type_in_use", workloadType });
};

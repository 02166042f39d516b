/** Brings each coordinator what is new for it: one exchange at a time a customer, everything gathered meanwhile in the next. */
import { tenantsAttachingMax } from "../../schema/limits.ts";
import { type EventOutcome, endsAttempt } from "../../schema/messages/worker-events.ts";
import type { Exchange, Exchanged } from "../domain/demand.ts";
import { notHeld } from "../domain/transition.ts";
import { applyUpdate } from "./apply-update.ts";
import { attach } from "./attach.ts";
import type { Pool } from "./pool.ts";
import { askAgain, hasNews, meetEpoch, putOffBatches, type ReportBatch, type Tenant } from "./tenants.ts";

const retryBaseMs = 100;
const retryCapMs = 5_000;
/** Each at most one broker message: together they stay far below what one call between objects may carry (32 MiB). */
const exchangeBatchesMax = 16;

export function pump(pool: Pool, tenant: Tenant): void {
  if (tenant.busy || !hasNews(tenant)) return;
  if (!tenant.attached && pool.tenants.attaching >= tenantsAttachingMax) return;
  tenant.busy = true;
  pool.deps.background(turn(pool, tenant));
}

async function turn(pool: Pool, tenant: Tenant): Promise<void> {
  const problem = await once(pool, tenant).catch((error: unknown) => ({ err: error }));
  if (problem === null) tenant.failures = 0;
  else await rest(pool, tenant, problem);
  tenant.busy = false;
  pool.advance();
}

/**
 * Every slot came back: its coordinator sees no room where this pool does. It says so again when there is room; to
 * offer the same again at once would only spin.
 */
const isInVain = ({ placements }: Exchange, { update }: Exchanged): boolean =>
  placements.length > 0 && placements.every(({ workloadId }) => update.unused.includes(workloadId));

/** Null when all went well, else what did not. */
async function once(pool: Pool, tenant: Tenant): Promise<object | null> {
  if (!tenant.attached) return inTurn(pool, () => attachAgain(pool, tenant));
  const batches = tenant.batches.splice(0, exchangeBatchesMax);
  const incoming: Exchange = {
    pool: pool.deps.name,
    reports: batches.flatMap(({ reports }) => reports),
    losses: tenant.losses.splice(0),
    placements: tenant.placements.splice(0),
  };
  try {
    const result = await pool.deps.coordinator(tenant.customerId).exchange(incoming);
    if (!result.ok) return failed(tenant, batches, incoming, result);
    settleBatches(pool, tenant, batches, result.value);
    applyUpdate(pool, result.value.update);
    if (isInVain(incoming, result.value)) tenant.items = [];
    return null;
  } catch (error) {
    return failed(tenant, batches, incoming, { err: error });
  }
}

/** Whoever waits for its turn has it as soon as this one is over, however it ended. */
async function inTurn<T>({ tenants, advance }: Pool, work: () => Promise<T>): Promise<T> {
  tenants.attaching += 1;
  try {
    return await work();
  } finally {
    tenants.attaching -= 1;
    advance();
  }
}

async function attachAgain(pool: Pool, tenant: Tenant): Promise<object | null> {
  const askedAt = pool.ledger.tick();
  const result = await pool.deps.coordinator(tenant.customerId).standing(pool.deps.name);
  if (!result.ok && result.refusal.kind === "unknown_customer") return forget(pool, tenant);
  if (!result.ok) return result;
  meetEpoch(tenant, result.value.update.epoch);
  const { epoch } = result.value.update;
  if (epoch < tenant.epoch) return { epoch, newer: tenant.epoch };
  attach(pool, tenant, result.value, askedAt);
  return null;
}

/** There is no such customer: what was said of it is answered for good. */
function forget(pool: Pool, tenant: Tenant): null {
  for (const { reports, settle } of tenant.batches.splice(0)) settle(reports.map(({ event }) => notHeld(event)));
  pool.tenants.all.delete(tenant.customerId);
  pool.active.remove(tenant.customerId);
  return null;
}

/**
 * Whether it was written is not known: workers send their reports again, losses are told again, and the coordinator is
 * asked what it holds, which settles the placements.
 */
function failed(tenant: Tenant, batches: readonly ReportBatch[], incoming: Exchange, problem: object): object {
  for (const { settle } of batches) settle(null);
  tenant.losses.unshift(...incoming.losses);
  askAgain(tenant);
  return problem;
}

async function rest(pool: Pool, tenant: Tenant, problem: object): Promise<void> {
  tenant.failures += 1;
  putOffBatches(tenant);
  pool.deps.log.warn({ ...problem, customer_id: tenant.customerId, failures: tenant.failures }, "exchange put off");
  const waitMs = Math.min(retryCapMs, retryBaseMs * 2 ** tenant.failures);
  pool.deps.wakeBy(pool.deps.now() + 2 * waitMs);
  await new Promise((resolve) => setTimeout(resolve, waitMs));
}

function settleBatches(
  pool: Pool,
  { customerId }: Tenant,
  batches: readonly ReportBatch[],
  { outcomes }: Exchanged,
): void {
  let from = 0;
  for (const { reports, settle } of batches) {
    const own = outcomes.slice(from, from + reports.length);
    from += reports.length;
    for (const [index, { workerId, event }] of reports.entries()) {
      const attempt = pool.ledger.find(event);
      if (endsAttempt(event)) pool.ledger.ended(workerId, event);
      const isTold = attempt?.workerId === workerId && attempt.customerId === customerId && own[index] !== undefined;
      if (isTold && attempt.state === "ended") pool.ledger.free(attempt);
    }
    settle(own satisfies readonly EventOutcome[]);
  }
}

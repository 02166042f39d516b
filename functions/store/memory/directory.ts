/** The directory in memory: customers' terms, workload types and API keys. */
import type { ConfigView } from "../../../schema/http/config.ts";
import type { CustomerView } from "../../../schema/http/customer.ts";
import type { KeyView } from "../../../schema/http/key.ts";
import type { CustomerId, KeyId } from "../../../schema/ids.ts";
import { limitsOf, type TierLimits, tierLimits } from "../../../schema/tiers.ts";
import { type Customer, typeOf, withoutType, withType } from "../../domain/customer.ts";
import { overridesOf } from "../../domain/customer-limits.ts";
import { decodeCursor } from "../cursor.ts";
import type { CustomerDirectory, Directory, Terms } from "../directory.ts";
import { placeSchemas, toCustomerView, toPage } from "../directory-views.ts";
import { type Lead, type Page, StoreRejected } from "../store.ts";
import { assertStorable, type CustomerRows, type KeyRow, type Rows, writeAsLeader } from "./rows.ts";
import { countRows } from "./statistics.ts";
import { remember, replyUnder } from "./submissions.ts";

export function newCustomerRows(customer: Customer, name: string, now: number): CustomerRows {
  const overrides = overridesFrom(customer);
  const [configs, workloads, idempotency] = [new Map(), new Map(), new Map()];
  return { customer, name, overrides, createdAt: now, updatedAt: now, configs, workloads, idempotency };
}

/** What differs from the tier's. */
function overridesFrom({ tier, limits }: Customer): Partial<TierLimits> {
  const own = Object.entries(limits).filter(([name, limit]) => Reflect.get(tierLimits[tier], name) !== limit);
  return Object.fromEntries(own);
}

export const memoryDirectory = (rows: Rows): Directory => ({ ...reads(rows), ...writes(rows) });

type Writes = Pick<Directory, "putType" | "deleteType" | "issueKey" | "revokeKey" | "putTerms" | "createCustomer">;

const reads = (rows: Rows): Omit<Directory, keyof Writes> => ({
  workloadType: async (customerId, id) => rows.customers.get(customerId)?.configs.get(id) ?? null,
  workloadTypes: async (customerId, { limit, cursor }) => {
    const after = decodeCursor(placeSchemas.config, cursor);
    const all = [...(rows.customers.get(customerId)?.configs.values() ?? [])];
    return after === "bad_cursor" ? after : pageOf(all, ({ config_id }) => config_id, limit, after);
  },
  apiKey: async (customerId, id) => {
    const row = keyRow(rows, customerId, id);
    return row === undefined ? null : keyView(row);
  },
  apiKeys: async (customerId, { limit, cursor }) => {
    const after = decodeCursor(placeSchemas.key, cursor);
    const all = keysOf(rows, customerId).map(keyView);
    return after === "bad_cursor" ? after : pageOf(all, ({ key_id }) => key_id, limit, after);
  },
  countLiveKeys: async (customerId, now) => keysOf(rows, customerId).filter((key) => isLive(key, now)).length,
  customer: async (customerId) => {
    const row = rows.customers.get(customerId);
    return row === undefined ? null : customerView(row);
  },
  customers: async ({ tier, suspended, limit, cursor }) => {
    const after = decodeCursor(placeSchemas.customer, cursor);
    const all = [...rows.customers.values()].map(customerView).filter((one) => tier === undefined || one.tier === tier);
    const asked = all.filter((one) => suspended === undefined || one.suspended === (suspended === "true"));
    return after === "bad_cursor" ? after : pageOf(asked, ({ customer_id }) => customer_id, limit, after);
  },
  statistics: async (customerId, range) =>
    countRows([...(rows.customers.get(customerId)?.workloads.values() ?? [])], range),
});

/** Newest first. */
function pageOf<T>(
  all: readonly T[],
  idOf: (item: T) => string,
  limit: number,
  after: readonly string[] | null,
): Page<T> {
  const newest = all.toSorted((a, b) => (idOf(a) > idOf(b) ? -1 : 1));
  const rest = newest.filter((item) => after === null || idOf(item) < (after[0] ?? ""));
  return toPage(rest.slice(0, limit + 1), limit, idOf);
}

const keysOf = (rows: Rows, customerId: CustomerId): KeyRow[] =>
  rows.keys.filter((key) => key.customerId === customerId);
const keyRow = (rows: Rows, customerId: CustomerId, id: KeyId): KeyRow | undefined =>
  keysOf(rows, customerId).find(({ keyId }) => keyId === id);
const isLive = ({ revokedAt, expiresAt }: KeyRow, now: number): boolean =>
  revokedAt === null && (expiresAt === null || expiresAt > now);

const isoOrNull = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

const keyView = (row: KeyRow): KeyView => ({
  key_id: row.keyId,
  name: row.name,
  scopes: [...row.scopes],
  created_at: new Date(row.createdAt).toISOString(),
  expires_at: isoOrNull(row.expiresAt),
  revoked_at: isoOrNull(row.revokedAt),
  last_used_at: isoOrNull(row.lastUsedAt),
});

const customerView = (row: CustomerRows): CustomerView =>
  toCustomerView({ ...row, ...row.customer, overrides: row.overrides });

const writes = (rows: Rows): Writes => ({
  putType: async (lead, type, remembered, now) => {
    assertStorable(type);
    return writeAsLeader(rows, lead, (row) => {
      putType(row, type);
      if (remembered !== null) remember(row, remembered, now);
      return null;
    });
  },
  deleteType: async (lead, type) => writeAsLeader(rows, lead, (row) => deleteType(row, type)),
  issueKey: async (lead, ...asked) => writeAsLeader(rows, lead, (row) => issueKey(rows, row, lead, asked)),
  revokeKey: async (lead, id, now) =>
    writeAsLeader(rows, lead, () => {
      const key = keyRow(rows, lead.customerId, id);
      if (key !== undefined) key.revokedAt ??= now;
      return key === undefined ? "unknown" : "revoked";
    }),
  putTerms: async (lead, terms, now) => {
    assertStorable(terms);
    return writeAsLeader(rows, lead, (row) => putTerms(row, terms, now));
  },
  async createCustomer(customerId, terms, idempotency, now) {
    assertStorable(terms);
    const known = idempotency === null ? null : replyUnder(rows.operator, idempotency, now);
    if (known !== null) return known;
    if (idempotency !== null) remember(rows.operator, idempotency, now);
    rows.customers.set(customerId, newCustomerRows(newCustomer(customerId, terms), terms.name, now));
    return { kind: "created" };
  },
});

const newCustomer = (customerId: CustomerId, { tier, overrides, suspended }: Terms): Customer => ({
  customerId,
  tier,
  limits: limitsOf(tier, overridesOf(overrides)),
  suspended,
  types: new Map(),
});

function putType(row: CustomerRows, type: ConfigView): void {
  const namesake = [...row.configs.values()].find(({ workload_type }) => workload_type === type.workload_type);
  if (namesake !== undefined && namesake.config_id !== type.config_id) throw new StoreRejected("two types of one name");
  row.configs.set(type.config_id, type);
  row.customer = withType(row.customer, typeOf(type));
}

function deleteType(
  row: CustomerRows,
  { config_id, workload_type }: Parameters<CustomerDirectory["deleteType"]>[1],
): "deleted" | "in_use" {
  const isUsed = [...row.workloads.values()].some(({ workload }) => workload.workloadType === workload_type);
  if (isUsed) return "in_use";
  row.configs.delete(config_id);
  row.customer = withoutType(row.customer, workload_type);
  return "deleted";
}

type Issue = Parameters<CustomerDirectory["issueKey"]> extends [Lead, ...infer Rest] ? Rest : never;

function issueKey(rows: Rows, row: CustomerRows, { customerId }: Lead, asked: Issue): null {
  const [{ key, keyHash }, replaced, remembered, now] = asked;
  assertStorable(key);
  rows.keys.push({
    keyId: key.key_id,
    customerId,
    keyHash,
    name: key.name,
    scopes: key.scopes,
    createdAt: Date.parse(key.created_at),
    expiresAt: key.expires_at === null ? null : Date.parse(key.expires_at),
    revokedAt: null,
    lastUsedAt: null,
  });
  const old = replaced === null ? undefined : keyRow(rows, customerId, replaced.keyId);
  if (old !== undefined && replaced !== null)
    old.expiresAt = Math.min(old.expiresAt ?? replaced.expiresAt, replaced.expiresAt);
  if (remembered !== null) remember(row, remembered, now);
  return null;
}

function putTerms(row: CustomerRows, { name, tier, overrides, suspended }: Terms, now: number): null {
  row.name = name;
  row.overrides = overridesOf(overrides);
  row.updatedAt = now;
  row.customer = { ...row.customer, tier, suspended, limits: limitsOf(tier, row.overrides) };
  return null;
}

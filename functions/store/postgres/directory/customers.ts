/** Customers and their terms. */
import { and, desc, eq, isNotNull, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { CustomerQuery, CustomerView } from "../../../../schema/http/customer.ts";
import type { CustomerId } from "../../../../schema/ids.ts";
import type { Tier } from "../../../../schema/status.ts";
import { customers } from "../../../../schema/tables/customers.ts";
import { overridesOf } from "../../../domain/customer-limits.ts";
import { decodeCursor } from "../../cursor.ts";
import type { Directory, Terms } from "../../directory.ts";
import { placeSchemas, toCustomerView, toPage } from "../../directory-views.ts";
import { type Lead, StoreUnavailable, type Written } from "../../store.ts";
import type { Database } from "../database.ts";
import { attempt } from "../failure.ts";
import { findReply, insertReply } from "../idempotency-keys.ts";
import { isoTime, jsonOf, onlyRow } from "../rows.ts";
import { asLeader, byLeader, onlyWritten } from "./writing.ts";

const selectCustomers = (db: Database, where: SQL | undefined) => db.select().from(customers).where(where);
type CustomerRow = Awaited<ReturnType<typeof selectCustomers>>[number];

const toView = (row: CustomerRow): CustomerView =>
  toCustomerView({
    customerId: row.customerId as CustomerId, // the table holds no other
    name: row.name,
    tier: row.tier as Tier, // checked by the table
    overrides: row.overrides,
    suspended: row.suspendedAt !== null,
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
  });

export async function readCustomer(db: Database, customerId: CustomerId): Promise<CustomerView | null> {
  const [row] = await attempt("reading a customer", selectCustomers(db, eq(customers.customerId, customerId)));
  return row === undefined ? null : toView(row);
}

export async function listCustomers(db: Database, query: CustomerQuery): ReturnType<Directory["customers"]> {
  const after = decodeCursor(placeSchemas.customer, query.cursor);
  if (after === "bad_cursor") return after;
  const older = after === null ? undefined : lt(customers.customerId, after[0]);
  const page = selectCustomers(db, and(older, ...filters(query))).orderBy(desc(customers.customerId));
  const rows = await attempt("listing customers", page.limit(query.limit + 1));
  return toPage(rows.map(toView), query.limit, ({ customer_id }) => customer_id);
}

const filters = ({ tier, suspended }: CustomerQuery): (SQL | undefined)[] => [
  tier === undefined ? undefined : eq(customers.tier, tier),
  suspended === "true" ? isNotNull(customers.suspendedAt) : undefined,
  suspended === "false" ? isNull(customers.suspendedAt) : undefined,
];

export const putTerms = (db: Database, lead: Lead, terms: Terms, now: number): Promise<Written<null>> => {
  const at = sql`${isoTime(now)}::timestamptz`;
  const ctes = sql`put as (
    update customers set
      name = ${terms.name}, tier = ${terms.tier}, overrides = ${jsonOf(overridesOf(terms.overrides))}::jsonb,
      suspended_at = case when ${terms.suspended}::boolean then coalesce(suspended_at, ${at}) end, updated_at = ${at}
    where customer_id = ${lead.customerId} and ${byLeader})`;
  return onlyWritten(asLeader(db, lead, "writing the terms of a customer", ctes));
};

/** Of two requests under one key the second waits for the first, and finds its answer. */
export async function createCustomer(
  db: Database,
  ...asked: Parameters<Directory["createCustomer"]>
): ReturnType<Directory["createCustomer"]> {
  const [customerId, terms, idempotency, now] = asked;
  const insert = insertCustomer(customerId, terms, now);
  if (idempotency === null) {
    await attempt("making a customer", db.execute(insert));
    return { kind: "created" };
  }
  const statement = sql`
    with won as (${insertReply(operatorKeys, idempotency, now, sql.empty())} returning 1),
    made as (${insert} from won)
    select exists (select from won) as created`;
  const { created } = onlyRow(await attempt("making a customer", db.execute<{ created: boolean }>(statement)));
  if (created) return { kind: "created" };
  const known = await findReply(db, operatorKeys, idempotency, now);
  if (known === null) throw new StoreUnavailable("making a customer: a key ended while it was looked at");
  return known;
}

/** Whose idempotency keys the operator's are: no customer has this id. */
const operatorKeys = "admin";

const insertCustomer = (customerId: CustomerId, { name, tier, overrides, suspended }: Terms, now: number): SQL => sql`
  insert into customers (customer_id, name, tier, overrides, suspended_at, created_at, updated_at)
  select ${customerId}, ${name}, ${tier}, ${jsonOf(overridesOf(overrides))}::jsonb,
    case when ${suspended}::boolean then ${isoTime(now)}::timestamptz end,
    ${isoTime(now)}::timestamptz, ${isoTime(now)}::timestamptz`;

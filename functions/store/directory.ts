/** The contract of what a customer is and owns beside its workloads: its terms, its workload types, its API keys. */
import type { ConfigView } from "../../schema/http/config.ts";
import type { CustomerQuery, CustomerView, OverridesView } from "../../schema/http/customer.ts";
import type { KeyView } from "../../schema/http/key.ts";
import type { PageQuery } from "../../schema/http/page.ts";
import type { Bucket } from "../../schema/http/statistics.ts";
import type { ConfigId, CustomerId, KeyId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { Tier } from "../../schema/status.ts";
import type { StatisticsRange } from "../domain/statistics.ts";
import type { IdempotencyKey, Lead, Page, Remembered, Written } from "./store.ts";

/** What an operator says of a customer. */
export interface Terms {
  readonly name: string;
  readonly tier: Tier;
  readonly overrides: OverridesView;
  readonly suspended: boolean;
}

export interface NewKey {
  readonly key: KeyView;
  /** SHA-256 of the whole key, in hex. */
  readonly keyHash: string;
}

/** What a coordinator reads of its own customer before it decides; the API reads it too. */
export interface DirectoryReads {
  workloadType(customerId: CustomerId, configId: ConfigId): Promise<ConfigView | null>;
  apiKey(customerId: CustomerId, keyId: KeyId): Promise<KeyView | null>;
  /** Of keys that are neither revoked nor expired. */
  countLiveKeys(customerId: CustomerId, now: number): Promise<number>;
  customer(customerId: CustomerId): Promise<CustomerView | null>;
}

/** Written by one customer's coordinator only; what is to be remembered is written in the same statement. */
export interface CustomerDirectory extends DirectoryReads {
  /** New, or in place of the one with this id. Throws StoreRejected when another one has its name. */
  putType(lead: Lead, type: ConfigView, remember: Remembered | null, now: number): Promise<Written<null>>;
  /** `in_use`: there are workloads of this type, in whatever status; nothing was deleted. */
  deleteType(lead: Lead, type: Pick<ConfigView, "config_id" | "workload_type">): Promise<Written<"deleted" | "in_use">>;
  /** Where it takes the place of another, that one expires at `expiresAt`, if not before. */
  issueKey(
    lead: Lead,
    added: NewKey,
    replaced: { keyId: KeyId; expiresAt: number } | null,
    remember: Remembered | null,
    now: number,
  ): Promise<Written<null>>;
  /** A key that is revoked stays so since then. */
  revokeKey(lead: Lead, keyId: KeyId, now: number): Promise<Written<"revoked" | "unknown">>;
  putTerms(lead: Lead, terms: Terms, now: number): Promise<Written<null>>;
}

export type CreatedCustomer = { kind: "created" } | { kind: "replayed"; reply: Json } | { kind: "conflict" };

/** Lists are newest first. `bad_cursor`: the cursor is not one of ours. */
export interface Directory extends CustomerDirectory {
  workloadTypes(customerId: CustomerId, query: PageQuery): Promise<Page<ConfigView> | "bad_cursor">;
  apiKeys(customerId: CustomerId, query: PageQuery): Promise<Page<KeyView> | "bad_cursor">;
  /** For the operator. */
  customers(query: CustomerQuery): Promise<Page<CustomerView> | "bad_cursor">;
  /** Days, hours or types with at least one workload, in their order. */
  statistics(customerId: CustomerId, range: StatisticsRange): Promise<readonly Bucket[]>;
  /** The one write that no coordinator makes: there is none yet. The operator's idempotency keys are no customer's. */
  createCustomer(
    customerId: CustomerId,
    terms: Terms,
    idempotency: (IdempotencyKey & { readonly reply: Json }) | null,
    now: number,
  ): Promise<CreatedCustomer>;
}

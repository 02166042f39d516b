/** The contract of StateStore, in promises; every store runs all of them. */
import { afterAll, beforeAll, describe } from "vitest";
import type { StateStore } from "../../functions/store/store.ts";
import type { CustomerId, KeyId } from "../../schema/ids.ts";
import type { TierLimits } from "../../schema/tiers.ts";
import { applyContract } from "./store/apply.ts";
import { checkpointContract } from "./store/checkpoints.ts";
import { directoryContract } from "./store/directory.ts";
import { insertContract } from "./store/insert.ts";
import { leadContract } from "./store/lead.ts";
import { liveContract } from "./store/live.ts";
import { operationContract } from "./store/operations.ts";
import { poolContract } from "./store/pools.ts";
import { queryContract } from "./store/queries.ts";
import { queueContract } from "./store/queue.ts";
import { readContract } from "./store/reads.ts";
import { standingContract } from "./store/standing.ts";
import { trailContract } from "./store/trail.ts";

export interface TestKey {
  readonly keyId: KeyId;
  readonly customerId: CustomerId;
  readonly keyHash: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export interface StoreUnderTest {
  readonly store: StateStore;
  /** Of tier standard. */
  newCustomer(overrides?: Partial<TierLimits>): Promise<CustomerId>;
  /** Answers how to read when it was in use last. */
  addKey(key: TestKey): Promise<() => Promise<number | null>>;
  stop(): Promise<void>;
}

export type GiveStore = () => StoreUnderTest;

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`the ${name} store`, () => {
    let opened: StoreUnderTest | null = null;
    const give: GiveStore = () => {
      if (opened === null) throw new Error("the store is asked for before it is open");
      return opened;
    };
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened?.stop());
    leadContract(give);
    queueContract(give);
    insertContract(give);
    applyContract(give);
    checkpointContract(give);
    operationContract(give);
    poolContract(give);
    readContract(give);
    trailContract(give);
    standingContract(give);
    liveContract(give);
    directoryContract(give);
    queryContract(give);
  });
}

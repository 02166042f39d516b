/** Tells the database now and then that a key is in use, beside the request and never at its expense. */
import { keyLastUsedSeconds } from "../../../schema/limits.ts";
import type { KeyRecord } from "../../store/store.ts";
import { createBoundedCache } from "../bounded-cache.ts";
import type { ApiDependencies } from "../context.ts";

/** One that is forgotten is written once more. */
const keysMax = 10_000;

type Parts = Pick<ApiDependencies, "store" | "log" | "background">;
type Used = Pick<KeyRecord, "customerId" | "keyId">;

export function createLastUsed({ store, log, background }: Parts): (key: Used, now: number) => void {
  const told = createBoundedCache<string, number>(keysMax);
  const tell = ({ customerId, keyId }: Used, now: number): Promise<void> =>
    store.touchKey(customerId, keyId, now).catch((err: unknown) => {
      const fields = { component: "api", customer_id: customerId, key_id: keyId, err };
      log.warn(fields, "the last use of a key was not written");
    });
  return (key, now) => {
    const name = `${key.customerId}/${key.keyId}`;
    if (now < (told.get(name) ?? 0) + keyLastUsedSeconds * 1_000) return;
    told.set(name, now);
    background(tell(key, now));
  };
}

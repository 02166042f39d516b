/** Identifiers: a prefix that says the noun, then a ULID in lower case, so ids sort by time. */
import { encodeTime, monotonicFactory } from "ulid";
import { z } from "zod";

const ulidPattern = "[0-7][0-9a-hjkmnp-tv-z]{25}";

export const idPattern = (prefix: string): RegExp => new RegExp(`^${prefix}_${ulidPattern}$`);

export const workloadIdSchema = z
  .string()
  .regex(idPattern("wl"), "not a workload id")
  .meta({ id: "WorkloadId" })
  .brand<"WorkloadId">();
export const configIdSchema = z
  .string()
  .regex(idPattern("wlcfg"), "not a workload config id")
  .meta({ id: "ConfigId" })
  .brand<"ConfigId">();
export const customerIdSchema = z
  .string()
  .regex(idPattern("cust"), "not a customer id")
  .meta({ id: "CustomerId" })
  .brand<"CustomerId">();
export const workerIdSchema = z
  .string()
  .regex(idPattern("wkr"), "not a worker id")
  .meta({ id: "WorkerId" })
  .brand<"WorkerId">();
export const keyIdSchema = z.string().regex(idPattern("key"), "not a key id").meta({ id: "KeyId" }).brand<"KeyId">();

export type WorkloadId = z.infer<typeof workloadIdSchema>;
export type ConfigId = z.infer<typeof configIdSchema>;
export type CustomerId = z.infer<typeof customerIdSchema>;
export type WorkerId = z.infer<typeof workerIdSchema>;
export type KeyId = z.infer<typeof keyIdSchema>;

const ulidTimeLength = 10;
/** At or before the first id that can be made at `at`, in milliseconds since the epoch. */
export const workloadIdsFrom = (at: number): string =>
  `wl_${encodeTime(Math.max(0, Math.floor(at)), ulidTimeLength).toLowerCase()}`;

/** Makes ids that rise strictly within one source, also inside one millisecond. */
export interface IdSource {
  workload(): WorkloadId;
  config(): ConfigId;
  customer(): CustomerId;
  worker(): WorkerId;
  key(): KeyId;
  message(): string;
}

/** `now` in milliseconds since the epoch, `random` in [0, 1). */
export function createIdSource(now: () => number, random: () => number): IdSource {
  const next = monotonicFactory(random);
  const make = (prefix: string) => `${prefix}_${next(now()).toLowerCase()}`;
  return {
    workload: () => make("wl") as WorkloadId,
    config: () => make("wlcfg") as ConfigId,
    customer: () => make("cust") as CustomerId,
    worker: () => make("wkr") as WorkerId,
    key: () => make("key") as KeyId,
    message: () => make("msg"),
  };
}

/** Cryptographic randomness in [0, 1), for `createIdSource`; Web Crypto exists in Node and in workerd. */
export function secureRandom(): number {
  const word = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  return word / 0x1_0000_0000;
}

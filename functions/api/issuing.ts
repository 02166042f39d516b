/** Makes the secret of a key where it is shown: nobody behind this knows more of it than its hash. */
import type { z } from "zod";
import { sha256Hex } from "../../schema/api-key.ts";
import type { CreateKeyBody, createdKeySchema } from "../../schema/http/key.ts";
import type { CustomerId, KeyId } from "../../schema/ids.ts";
import type { Directed } from "../coordinator/gateway.ts";
import type { ApiContext, ApiDependencies } from "./context.ts";
import { direct, grantableBy, latestEndBy } from "./directing.ts";
import type { Idempotency } from "./idempotency.ts";
import type { Refused } from "./route.ts";
import { timeProblem } from "./time.ts";
import { invalidAt } from "./validation.ts";

type Deps = Pick<ApiDependencies, "coordinators" | "ids" | "newKey">;
type CreatedKey = z.infer<typeof createdKeySchema>;

export async function issueKey(
  deps: Deps,
  c: ApiContext,
  customerId: CustomerId,
  body: CreateKeyBody,
  idempotency: Idempotency | null,
): Promise<CreatedKey | Refused> {
  const problem = body.expires_at === undefined ? null : timeProblem(body.expires_at);
  if (problem !== null) return { refusal: invalidAt("expires_at", problem).refusal };
  const { secret, parts } = await newSecret(deps, c, customerId);
  const change = { kind: "issue_key" as const, what: { ...parts, body } };
  return shown(await direct(deps, c, customerId, change, idempotency), parts.keyId, secret);
}

export async function rotateKey(
  deps: Deps,
  c: ApiContext,
  customerId: CustomerId,
  replaced: KeyId,
  overlapSeconds: number,
  idempotency: Idempotency | null,
): Promise<CreatedKey | Refused> {
  const { secret, parts } = await newSecret(deps, c, customerId);
  const change = { kind: "rotate_key" as const, what: { ...parts, replaced, overlapSeconds } };
  return shown(await direct(deps, c, customerId, change, idempotency), parts.keyId, secret);
}

async function newSecret({ ids, newKey }: Deps, c: ApiContext, customerId: CustomerId) {
  const secret = await newKey(customerId);
  const bounds = { grantable: grantableBy(c), expiresBy: latestEndBy(c) };
  return { secret, parts: { keyId: ids.key(), keyHash: await sha256Hex(secret), ...bounds } };
}

/** An answer to another try has another key id, and its secret is known to nobody any more. */
function shown(
  done: Directed<"issue_key" | "rotate_key"> | Refused,
  keyId: KeyId,
  secret: string,
): CreatedKey | Refused {
  if ("refusal" in done) return done;
  return { ...done.reply, api_key: done.reply.key_id === keyId ? secret : null };
}

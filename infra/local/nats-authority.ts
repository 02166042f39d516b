/** Who may say who is who on the broker: an operator, one account of its, and the key that signs the account's users. */
import { createAccount, createOperator, encodeAccount, encodeOperator } from "@nats-io/jwt";
import { z } from "zod";

export const natsAuthoritySchema = z.object({
  operatorJwt: z.string(),
  /** The public key, `A…`. */
  account: z.string(),
  accountJwt: z.string(),
  /** The only secret that is needed from then on: it signs users. */
  signingSeed: z.string(),
});
export type NatsAuthority = z.infer<typeof natsAuthoritySchema>;

const unlimited = -1;
/** Clients only: no other account, no other server, no way in without a key of one's own. */
const accountLimits = {
  ...{ subs: unlimited, data: unlimited, payload: unlimited, conn: unlimited },
  ...{ imports: 0, exports: 0, wildcards: false, leaf: 0, disallow_bearer: true },
};

export async function makeNatsAuthority(): Promise<NatsAuthority> {
  const [operator, account, signing] = [createOperator(), createAccount(), createAccount()];
  const claims = { limits: accountLimits, signing_keys: [signing.getPublicKey()] };
  return {
    operatorJwt: await encodeOperator("niyanta", operator),
    account: account.getPublicKey(),
    accountJwt: await encodeAccount("niyanta", account, claims, { signer: operator }),
    signingSeed: new TextDecoder().decode(signing.getSeed()),
  };
}

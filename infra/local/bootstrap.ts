/** Makes a database ready: the migrations, and the one customer that a local stack comes with. */
import type { IdSource } from "../../schema/ids.ts";
import { migrate } from "../../schema/migrate.ts";
import type { Credentials } from "./credentials.ts";
import { benchmarkOverrides, builtInTypes, customerScopes, seedCustomer } from "./seed-customer.ts";

export async function bootstrapDatabase(databaseUrl: string, credentials: Credentials, ids: IdSource): Promise<void> {
  await migrate(databaseUrl);
  const { customerId, customerKey: key } = credentials;
  const customer = {
    customerId,
    key,
    name: "local",
    tier: "enterprise",
    overrides: benchmarkOverrides,
    scopes: customerScopes,
    workloadTypes: builtInTypes,
  } as const;
  await seedCustomer(databaseUrl, customer, ids);
}

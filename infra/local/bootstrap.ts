/** Makes a database ready: the migrations, the control plane's login, and the one customer that a local stack comes with. */
import type { IdSource } from "../../schema/ids.ts";
import { apiDatabaseUrl, migrate, openLogin } from "../../schema/migrate.ts";
import { customerScopes } from "../../schema/scopes.ts";
import type { Credentials } from "./credentials.ts";
import { benchmarkOverrides, builtInTypes, seedCustomer } from "./seed-customer.ts";

export async function bootstrapDatabase(databaseUrl: string, credentials: Credentials, ids: IdSource): Promise<void> {
  const { customerId, customerKey: key, apiDatabasePassword } = credentials;
  await migrate(databaseUrl);
  await openLogin(databaseUrl, apiDatabasePassword);
  const customer = {
    customerId,
    key,
    name: "local",
    tier: "enterprise",
    overrides: benchmarkOverrides,
    scopes: customerScopes,
    workloadTypes: builtInTypes,
  } as const;
  await seedCustomer(apiDatabaseUrl(databaseUrl, apiDatabasePassword), customer, ids);
}

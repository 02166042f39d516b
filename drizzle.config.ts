import { defineConfig } from "drizzle-kit";

/** `npm run migrations:generate` writes the next migration from the tables. */
export default defineConfig({ dialect: "postgresql", schema: "./schema/tables/*.ts", out: "./schema/migrations" });

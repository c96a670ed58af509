// `npm run migrate`: brings the tables of DATABASE_URL to this version, for those who deploy in steps with
// MIGRATE_ON_START=false.
import "./node-version.ts";

import { loadConfig, readEnvironment } from "../config/config.ts";
import { openDatabase } from "../app/open-database.ts";

try {
  const { databaseUrl } = loadConfig(readEnvironment());
  if (databaseUrl === null)
    throw new Error("DATABASE_URL is missing: the embedded PostgreSQL is migrated at each start.");
  const orm = await openDatabase(databaseUrl, true);
  await orm.close();
  console.log("The tables are those of this version.");
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}

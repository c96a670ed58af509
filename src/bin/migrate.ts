// `npm run migrate`: migrates the tables in DATABASE_URL, for deployments that set MIGRATE_ON_START=false.
import "./node-version.ts";

import { loadConfig, readEnvironment } from "../config/config.ts";
import { openDatabase } from "../app/open-database.ts";
import { printError } from "./terminal.ts";

try {
  const config = loadConfig(readEnvironment());
  const databaseUrl = config.databaseDirectUrl ?? config.databaseUrl;
  if (databaseUrl === null)
    throw new Error(
      "DATABASE_URL is missing. The embedded PostgreSQL needs no command: it is migrated at each start.",
    );
  const orm = await openDatabase(databaseUrl, true, console.error);
  await orm.close();
  console.log("The tables are up to date.");
} catch (error) {
  printError(error);
  process.exit(1);
}

// Configures the mikro-orm command (CONTRIBUTING.md) with the server's own options and its database: that of DATABASE_URL, or the embedded
// one of a server that runs.
import { existsSync } from "node:fs";

import { loadConfig, readEnvironment } from "./src/config/config.ts";
import { ormOptions } from "./src/database/orm.ts";
import { findRunningPostgres } from "./src/embedded-postgres/launcher.ts";

const { databaseUrl, databaseDirectUrl, dataDir } = loadConfig(readEnvironment());

/** @throws {Error} if no server runs */
async function embeddedDatabaseUrl(): Promise<string> {
  if (!existsSync(dataDir))
    throw new Error(
      `There is no database in ${dataDir}. Start the server with \`npm start\`, or set DATABASE_URL.`,
    );
  return findRunningPostgres(dataDir);
}

export default ormOptions(databaseDirectUrl ?? databaseUrl ?? (await embeddedDatabaseUrl()), "long work");

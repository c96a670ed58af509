// MikroORM on PostgreSQL: its options, which mikro-orm.config.ts at the root hands to the mikro-orm command.
import { Migrator } from "@mikro-orm/migrations";
import { defineConfig, MikroORM } from "@mikro-orm/postgresql";

import { User } from "../accounts/user.entity.ts";
import { Users } from "./migrations/2026-11-24-users.ts";

/** Holds every table of ours; nothing outside it and the queue's schema is ever touched. */
export const SCHEMA = "accounts";

export function ormOptions(databaseUrl: string) {
  return defineConfig({
    entities: [User],
    schema: SCHEMA,
    clientUrl: databaseUrl,
    // The whole URL, because its parameters (sslmode, ...) matter to the driver too.
    driverOptions: { connectionString: databaseUrl, application_name: "account-server" },
    pool: { min: 0, max: 10 },
    extensions: [Migrator],
    migrations: {
      tableName: `${SCHEMA}.migrations`,
      migrationsList: [{ name: "2026-11-24-users", class: Users }],
      path: "src/database/migrations",
      snapshot: false,
    },
    // Only what is flushed or updated by name is written: no listener reaches into other schemas.
    schemaGenerator: { ignoreSchema: ["public", "accounts_queue"] },
    logger: () => undefined,
    ensureDatabase: false,
    discovery: { warnWhenNoEntities: true },
  });
}

export type Orm = Awaited<ReturnType<typeof connectOrm>>;

export function connectOrm(databaseUrl: string) {
  return MikroORM.init(ormOptions(databaseUrl));
}

// MikroORM on PostgreSQL: its options, which mikro-orm.config.ts at the root hands to the mikro-orm command.
import { Migrator } from "@mikro-orm/migrations";
import { defineConfig, MikroORM } from "@mikro-orm/postgresql";

import { AccountEvent } from "../accounts/model/account-event.entity.ts";
import { EmailChange } from "../accounts/model/email-change.entity.ts";
import { RefreshToken, Session } from "../accounts/model/session.entity.ts";
import { User } from "../accounts/model/user.entity.ts";
import { FlaskUser } from "./flask-user.entity.ts";
import { SessionsAndEvents } from "./migrations/2026-11-24-sessions-and-events.ts";
import { UsersLocale } from "./migrations/2026-11-24-users-locale.ts";
import { Users } from "./migrations/2026-11-24-users.ts";
import { UsersKeyCollation } from "./migrations/2026-11-25-users-key-collation.ts";

/** Holds every table of ours; nothing outside it and the queue's schema is ever touched. */
export const SCHEMA = "accounts";

/** In the order in which they run; a new one goes to the end. */
export const MIGRATIONS = [
  { name: "2026-11-24-users", class: Users },
  { name: "2026-11-24-users-locale", class: UsersLocale },
  { name: "2026-11-24-sessions-and-events", class: SessionsAndEvents },
  { name: "2026-11-25-users-key-collation", class: UsersKeyCollation },
];

/** How any database is connected to. */
function connectionOptions(databaseUrl: string) {
  return {
    clientUrl: databaseUrl,
    // The whole URL, because its parameters (sslmode, ...) matter to the driver too.
    driverOptions: {
      connectionString: databaseUrl,
      application_name: "account-server",
      connectionTimeoutMillis: 5_000, // or requests would wait for ever while the database is away
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    },
    pool: { min: 0, max: 10 },
    logger: () => undefined, // its lines hold statements with their values
    ensureDatabase: false,
  };
}

export function ormOptions(databaseUrl: string) {
  return defineConfig({
    ...connectionOptions(databaseUrl),
    entities: [User, Session, RefreshToken, EmailChange, AccountEvent],
    schema: SCHEMA,
    extensions: [Migrator],
    migrations: {
      tableName: `${SCHEMA}.migrations`,
      migrationsList: MIGRATIONS,
      path: "src/database/migrations",
      snapshot: false,
    },
    // What drafting a migration compares with: our tables alone.
    schemaGenerator: { ignoreSchema: ["public", "accounts_queue"] },
  });
}

export type Orm = Awaited<ReturnType<typeof connectOrm>>;

export function connectOrm(databaseUrl: string) {
  return MikroORM.init(ormOptions(databaseUrl));
}

/** For the import, which reads the table of another application. */
export function connectToFlaskTable(databaseUrl: string) {
  return MikroORM.init(defineConfig({ ...connectionOptions(databaseUrl), entities: [FlaskUser] }));
}

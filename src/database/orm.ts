// The options of MikroORM on PostgreSQL. mikro-orm.config.ts passes the same options to the mikro-orm command.
import { Migrator } from "@mikro-orm/migrations";
import { defineConfig, MikroORM } from "@mikro-orm/postgresql";

import { AccountEvent } from "../accounts/model/account-event.entity.ts";
import { CleanUp } from "../accounts/model/clean-up.entity.ts";
import { EmailChange } from "../accounts/model/email-change.entity.ts";
import { RateLimitCount } from "../accounts/model/rate-limit.entity.ts";
import { Session } from "../accounts/model/session.entity.ts";
import { User } from "../accounts/model/user.entity.ts";
import { clientFor, connectionTo } from "./driver.ts";
import { urlsOfHosts } from "./database-url.ts";
import { FlaskUser } from "./flask-user.entity.ts";
import { SessionsAndEvents } from "./migrations/2026-11-24-sessions-and-events.ts";
import { UsersLocale } from "./migrations/2026-11-24-users-locale.ts";
import { Users } from "./migrations/2026-11-24-users.ts";
import { DerivedRefreshTokens } from "./migrations/2026-11-25-derived-refresh-tokens.ts";
import { RateLimits } from "./migrations/2026-11-25-rate-limits.ts";
import { UsersContested } from "./migrations/2026-11-25-users-contested.ts";
import { UsersKeyCollation } from "./migrations/2026-11-25-users-key-collation.ts";
import { EmailChangesEndsAt } from "./migrations/2026-11-26-email-changes-ends-at.ts";
import { SessionsPasswordConfirmedAt } from "./migrations/2026-11-26-sessions-password-confirmed-at.ts";
import { UsersFormerUsername } from "./migrations/2026-11-26-users-former-username.ts";
import { CountedEvents } from "./migrations/2026-11-26-counted-events.ts";
import { EventsByMonth } from "./migrations/2026-11-29-events-by-month.ts";
import { CleanUps } from "./migrations/2026-11-29-clean-ups.ts";
import { RefreshTokens } from "./migrations/2026-11-29-refresh-tokens.ts";
import type { Work } from "./time-limits.ts";

/** The schema of all tables. The server changes nothing outside of it and the queue's schema. */
export const SCHEMA = "accounts";

/** In the order in which they run. Add a new one at the end. */
export const MIGRATIONS = [
  { name: "2026-11-24-users", class: Users },
  { name: "2026-11-24-users-locale", class: UsersLocale },
  { name: "2026-11-24-sessions-and-events", class: SessionsAndEvents },
  { name: "2026-11-25-users-key-collation", class: UsersKeyCollation },
  { name: "2026-11-25-derived-refresh-tokens", class: DerivedRefreshTokens },
  { name: "2026-11-25-rate-limits", class: RateLimits },
  { name: "2026-11-25-users-contested", class: UsersContested },
  { name: "2026-11-26-email-changes-ends-at", class: EmailChangesEndsAt },
  { name: "2026-11-26-sessions-password-confirmed-at", class: SessionsPasswordConfirmedAt },
  { name: "2026-11-26-users-former-username", class: UsersFormerUsername },
  { name: "2026-11-26-counted-events", class: CountedEvents },
  { name: "2026-11-29-events-by-month", class: EventsByMonth },
  { name: "2026-11-29-clean-ups", class: CleanUps },
  { name: "2026-11-29-refresh-tokens", class: RefreshTokens },
];

/** The options for connecting to any database. */
function connectionOptions(databaseUrl: string, work?: Work) {
  return {
    clientUrl: urlsOfHosts(databaseUrl)[0] ?? databaseUrl,
    driverOptions: {
      ...connectionTo(databaseUrl, work),
      Client: clientFor(work),
      application_name: "account-server",
      connectionTimeoutMillis: 3_000, // otherwise requests wait forever while the database is down
      maxLifetimeSeconds: 3_600, // so that a failover or a changed plan is not felt by old connections for ever
    },
    pool: { min: 0, max: 10 },
    logger: () => undefined, // its log contains statements with their values
    ensureDatabase: false,
  };
}

export function ormOptions(databaseUrl: string, work: Work) {
  return defineConfig({
    ...connectionOptions(databaseUrl, work),
    entities: [User, Session, EmailChange, AccountEvent, RateLimitCount, CleanUp],
    schema: SCHEMA,
    extensions: [Migrator],
    migrations: {
      tableName: `${SCHEMA}.migrations`,
      migrationsList: MIGRATIONS,
      path: "src/database/migrations",
      snapshot: false,
      allOrNothing: false, // so that locks are held no longer than each needs, and an index can be made concurrently
    },
    // When drafting a migration, compare only our own tables. 2026-11-29-events-by-month has a partition for each month: a test compares
    // it with its entity.
    schemaGenerator: {
      ignoreSchema: ["public", "accounts_queue"],
      skipTables: [/^account_events/],
      ignoreRoutines: true,
    },
  });
}

export type Orm = Awaited<ReturnType<typeof connectOrm>>;

export function connectOrm(databaseUrl: string, work: Work) {
  return MikroORM.init(ormOptions(databaseUrl, work));
}

/** Connects to the database of the Flask application, for the import; a pooler may be in between. */
export function connectToFlaskTable(databaseUrl: string) {
  return MikroORM.init(defineConfig({ ...connectionOptions(databaseUrl), entities: [FlaskUser] }));
}

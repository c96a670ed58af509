// Brings the database's tables to this version, or says that they are not.
import { MailQueue } from "../mail/queue.ts";
import { SCHEMA, type Orm } from "./orm.ts";

/** Any number that no other program's advisory lock in this database is likely to have. */
const MIGRATION_LOCK = 4_206_501_973;

/** Creates or upgrades all tables. Replicas that start at once wait for each other, so each migration runs once. */
export async function migrate(orm: Orm, databaseUrl: string): Promise<void> {
  await orm.em.fork().transactional(async (em) => {
    // This transaction only holds the lock; migrations and queue run in transactions of their own.
    await em.execute(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    await orm.migrator.up();
    await MailQueue.migrate(databaseUrl);
  });
}

/** @throws {Error} if tables are missing or older than this version */
export async function checkMigrated(orm: Orm): Promise<void> {
  const known = await orm.em.fork().execute(`select to_regclass('${SCHEMA}.migrations') as "table"`);
  const pending = known[0]?.["table"] === null || (await orm.migrator.getPending()).length > 0;
  if (pending) {
    throw new Error(
      "The database's tables are not those of this version, and MIGRATE_ON_START is false: run `npm run migrate`.",
    );
  }
}

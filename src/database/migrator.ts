// Brings the database's tables to this version, or says that they are not.
import { MailQueue } from "../mail/queue.ts";
import { MIGRATIONS, SCHEMA, type Orm } from "./orm.ts";

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

/**
 * Only reads: the role that serves need not be the one that may create tables.
 * @throws {Error} if tables are missing or older than this version
 */
export async function checkMigrated(orm: Orm): Promise<void> {
  const em = orm.em.fork();
  const [found] = await em.execute<{ table: string | null }[]>(
    `select to_regclass('${SCHEMA}.migrations') as "table"`,
  );
  const applied = found?.table
    ? await em.execute<{ name: string }[]>(`select name from ${SCHEMA}.migrations`)
    : [];
  const isApplied = ({ name }: { name: string }) => applied.some((migration) => migration.name === name);
  if (MIGRATIONS.every(isApplied)) return;
  throw new Error(
    "The database's tables are not those of this version, and MIGRATE_ON_START is false: run `npm run migrate`.",
  );
}

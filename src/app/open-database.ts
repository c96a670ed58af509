// Opens the database with all its tables: ours, and those of the mail queue.
import { migrate, openDatabase as open } from "../database/migrator.ts";
import type { Orm } from "../database/orm.ts";
import { MailQueue } from "../mail/queue.ts";

/**
 * @param migrates whether to migrate the tables, or only to check that they match this version
 * @param waiting is told what the start waits for; without it, a database that cannot be reached is not waited for
 * @throws {Error} that names the database, with all connections closed
 */
export function openDatabase(
  databaseUrl: string,
  migrates: boolean,
  waiting?: (message: string) => void,
): Promise<Orm> {
  return open(databaseUrl, MailQueue, migrates, waiting);
}

/** Creates or upgrades all tables. */
export function migrateDatabase(orm: Orm, databaseUrl: string): Promise<void> {
  return migrate(orm, databaseUrl, MailQueue);
}

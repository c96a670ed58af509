// Opens the database with all its tables: ours, and those of the mail queue.
import { migrate, openDatabase as open } from "../database/migrator.ts";
import type { Orm } from "../database/orm.ts";
import { MailQueue } from "../mail/queue.ts";

/**
 * @param migrates whether to bring the tables to this version, or only to look whether they are
 * @throws {Error} one sentence that names the database; nothing is left open
 */
export function openDatabase(databaseUrl: string, migrates: boolean): Promise<Orm> {
  return open(databaseUrl, MailQueue, migrates);
}

/** Creates or upgrades all tables. */
export function migrateDatabase(orm: Orm, databaseUrl: string): Promise<void> {
  return migrate(orm, databaseUrl, MailQueue);
}

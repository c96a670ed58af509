// Opens the accounts for the commands, whether or not a server is running.
import { randomBytes } from "node:crypto";

import type { AccountMail } from "../../accounts/mails/account-mails.ts";
import type { Accounts } from "../../accounts/accounts.ts";
import type { RequestSource } from "../../accounts/dependencies.ts";
import { composeAccounts } from "../../app/compose-accounts.ts";
import type { Config } from "../../config/config.ts";
import { DataDirInUseError, lockDataDir } from "../../embedded-postgres/data-dir.ts";
import { openDatabase } from "../../database/migrator.ts";
import { createLogger } from "../../log.ts";
import { MailQueue } from "../../mail/queue.ts";
import { withTimeLimit } from "../../app/time-limit.ts";

/** Enough to finish writing a batch of an import, but the command must end even if the database does not respond. */
const DATABASE_CLOSES_WITHIN_MS = 3_000;

/** The operator as the source of events in the audit trail. */
export const OPERATOR: RequestSource = { ip: null, userAgent: null, isOperator: true };

/**
 * @param opened receives everything that has to be closed
 * @throws {Error} if the database cannot be used
 */
export async function openAccounts(config: Config, opened: AsyncDisposableStack): Promise<Accounts> {
  const databaseUrl = config.databaseUrl ?? (await embeddedPostgres(config.dataDir, opened));
  const orm = await openDatabase(databaseUrl, config.migrateOnStart);
  opened.defer(() => withTimeLimit(DATABASE_CLOSES_WITHIN_MS, orm.close()));
  const mailQueue = new MailQueue<AccountMail>({
    databaseUrl,
    log: await createLogger("silent", true), // errors that matter reject a call
    isPassive: true,
  });
  opened.defer(() => withTimeLimit(DATABASE_CLOSES_WITHIN_MS, mailQueue.stop(0)));
  await mailQueue.start();
  const { accounts } = composeAccounts(
    { ...config, hideAccountExistence: false }, // the operator may know which accounts exist
    {
      em: orm.em,
      mailQueue,
      secret: randomBytes(32).toString("hex"), // signs nothing, because the server creates the tokens in emails
      now: () => new Date(),
    },
  );
  return accounts;
}

/** The PostgreSQL of the server that uses the data folder, or else one started here. */
async function embeddedPostgres(dataDir: string, opened: AsyncDisposableStack): Promise<string> {
  const { findRunningPostgres, startEmbeddedPostgres } = await import("../../embedded-postgres/launcher.ts");
  try {
    const lock = await lockDataDir(dataDir);
    opened.defer(() => lock.release());
  } catch (error) {
    if (error instanceof DataDirInUseError) return findRunningPostgres(dataDir);
    throw error;
  }
  const postgres = await startEmbeddedPostgres({
    dataDir,
    onUnexpectedExit: (message) => {
      throw new Error(message);
    },
  });
  opened.defer(() => postgres.stop());
  return postgres.databaseUrl;
}

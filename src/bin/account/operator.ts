// What the commands work with: the accounts of the configuration, with no server and beside a running one.
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

/** Enough for a batch of an import that is being written; a database that has died must not keep us. */
const DATABASE_CLOSES_WITHIN_MS = 3_000;

/** For the audit trail. */
export const OPERATOR: RequestSource = { ip: null, userAgent: null, isOperator: true };

/**
 * @param opened takes what has to be closed
 * @throws {Error} one sentence where the database cannot be used
 */
export async function openAccounts(config: Config, opened: AsyncDisposableStack): Promise<Accounts> {
  const databaseUrl = config.databaseUrl ?? (await embeddedPostgres(config.dataDir, opened));
  const orm = await openDatabase(databaseUrl, config.migrateOnStart);
  opened.defer(() => withTimeLimit(DATABASE_CLOSES_WITHIN_MS, orm.close()));
  const mailQueue = new MailQueue<AccountMail>({
    databaseUrl,
    log: await createLogger("silent", true), // what matters rejects
    isPassive: true,
  });
  opened.defer(() => withTimeLimit(DATABASE_CLOSES_WITHIN_MS, mailQueue.stop(0)));
  await mailQueue.start();
  const { accounts } = composeAccounts(
    { ...config, hideAccountExistence: false }, // the operator may know
    {
      em: orm.em,
      mailQueue,
      secret: randomBytes(32).toString("hex"), // signs nothing: the server mints the mails' tokens
      now: () => new Date(),
    },
  );
  return accounts;
}

/** That of the server which runs on the data folder, else one of our own. */
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

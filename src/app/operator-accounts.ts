// Opens the accounts for the commands, whether or not a server is running.
import { randomBytes, randomUUID } from "node:crypto";

import type { Accounts } from "../accounts/accounts.ts";
import { Hashing } from "../accounts/hashing/hashing.ts";
import type { MailJob } from "../accounts/mails/mail-job.ts";
import type { RequestSource } from "../accounts/model/request-source.ts";
import { composeAccounts, createTokens } from "./compose-accounts.ts";
import { openMailTemplates } from "./mail-templates.ts";
import { openBreachedPasswords } from "./open-breached-passwords.ts";
import { openDatabase } from "./open-database.ts";
import { withTimeLimit } from "./time-limit.ts";
import type { Config } from "../config/config.ts";
import { DatabaseClock } from "../database/clock.ts";
import { connectionTo } from "../database/driver.ts";
import { DataDirInUseError, lockDataDir } from "../embedded-postgres/data-dir.ts";
import { createLogger } from "../log.ts";
import { MailFailure } from "../mail/failure.ts";
import { MailQueue } from "../mail/queue.ts";
import { smtpTransport } from "../mail/transport.ts";

/** Enough to finish writing a batch of an import, but the command must end even if the database does not respond. */
const DATABASE_CLOSES_WITHIN_MS = 3_000;

export interface Opened {
  readonly accounts: Accounts;
  /** Whether a server is connected to the database, which sends emails. */
  readonly isServed: () => Promise<boolean>;
  /** The database's clock. */
  readonly now: () => Date;
}

/** The operator as the source of events in the audit trail. */
export const OPERATOR: RequestSource = { ip: null, userAgent: null, isOperator: true };

/**
 * @param opened receives everything that has to be closed
 * @throws {Error} if the database cannot be used
 */
export async function openAccounts(config: Config, opened: AsyncDisposableStack): Promise<Opened> {
  const databaseUrl =
    config.databaseDirectUrl ?? config.databaseUrl ?? (await embeddedPostgres(config.dataDir, opened));
  const orm = await openDatabase(databaseUrl, config.migrateOnStart);
  opened.defer(() => withTimeLimit(DATABASE_CLOSES_WITHIN_MS, orm.close()));
  const log = await createLogger("silent", true); // errors that matter reject a call
  const queue = new MailQueue<MailJob>({
    connection: connectionTo(databaseUrl, "long work"),
    log,
    isPassive: true,
  });
  opened.defer(() => withTimeLimit(DATABASE_CLOSES_WITHIN_MS, queue.stop(0)));
  await queue.start();
  const clock = await DatabaseClock.start(orm);
  opened.defer(() => clock.stop());
  const { now } = clock;
  const secret = randomBytes(32).toString("hex"); // signs nothing, because the server creates the tokens in emails
  const accounts = composeAccounts(
    { ...config, hideAccountExistence: false }, // the operator may know which accounts exist
    {
      em: orm.em,
      patientEm: orm.em,
      readAnywhere: (work) => work(orm.em.fork()),
      isOutage: () => false, // the operator reads what PostgreSQL says
      hashing: new Hashing(1, log),
      breached: await openBreachedPasswords(config, log, opened),
      log,
      queue,
      renderer: openMailTemplates(config).renderer,
      secret,
      tokens: createTokens(config, secret, now),
      now,
      opened,
    },
  );
  return { accounts, isServed: () => queue.isServed(), now };
}

/**
 * Sends a test email at once, past the queue.
 * @returns what the SMTP server said
 * @throws {Error} with what the SMTP server said if it does not take the email
 */
export async function sendTestMail(
  { smtp, senderAddress, appName }: Config,
  address: string,
): Promise<string> {
  if (smtp === null)
    throw new Error(
      "MAIL_SERVER is not set, so emails stay in the mailbox of the server. Set it to send some.",
    );
  const transport = smtpTransport(smtp, senderAddress);
  try {
    const text = `This is a test email of ${appName}. Its emails arrive.`;
    const subject = `Test email of ${appName}`;
    const mail = { senderName: appName, to: { name: "", address }, subject, text, html: "" };
    const { accepted } = await transport.send(randomUUID(), mail, "slow");
    return `The SMTP server ${smtp.host}:${smtp.port} took the email: ${await accepted}`;
  } catch (error) {
    if (!(error instanceof MailFailure)) throw error;
    const said = error.reply === undefined ? "" : ` It said: ${error.reply}`;
    throw new Error(`${error.message[0]?.toUpperCase()}${error.message.slice(1)}.${said}`, { cause: error });
  } finally {
    transport.close();
  }
}

/** The PostgreSQL of the server that uses the data folder, or else one started here. */
async function embeddedPostgres(dataDir: string, opened: AsyncDisposableStack): Promise<string> {
  const { findRunningPostgres, startEmbeddedPostgres } = await import("../embedded-postgres/launcher.ts");
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

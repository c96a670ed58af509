// The operator's commands about emails. Each prints its result to standard output or throws an error with a message for the operator.
import type { Accounts } from "../../accounts/accounts.ts";
import { PAGE_MAX } from "../../accounts/model/page.ts";
import { MAIL_STATES, type QueuedEmail, type QueuedEmailState } from "../../accounts/model/queued-email.ts";
import { checkArguments } from "../../accounts/rules/argument-rules.ts";
import { OPERATOR, sendTestMail } from "../../app/operator-accounts.ts";
import type { Config } from "../../config/config.ts";
import { printLine } from "../terminal.ts";
import { itemsOf, printFacts, printRows, type Column, type Output } from "./table.ts";

const MAIL_COLUMNS: readonly Column<QueuedEmail>[] = [
  { name: "requested", width: 24, value: ({ createdAt }) => createdAt },
  { name: "state", width: 8, value: ({ state }) => state },
  { name: "attempts", width: 8, value: ({ attempts }) => attempts },
  { name: "id", width: 36, value: ({ id }) => id },
  { name: "email", width: 24, value: ({ kind }) => kind },
  { name: "last error", width: 0, value: ({ lastError }) => lastError },
];

/** What `mail show` tells besides. */
const MORE_MAIL_COLUMNS: readonly Column<QueuedEmail>[] = [
  { name: "user", width: 0, value: ({ user }) => user && `${user.username} <${user.email}>` },
  { name: "due", width: 0, value: ({ nextAttemptAt }) => nextAttemptAt },
];

/**
 * Prints one email per line, oldest first: those in `state`, or all that are not done; for people, also how many are in each state.
 */
export async function listMails(
  accounts: Accounts,
  { state, ...output }: Output & { state?: QueuedEmailState },
): Promise<void> {
  if (!output.json) {
    const counts = await accounts.countQueuedEmails();
    printLine(MAIL_STATES.map((name) => `${counts[name]} ${name}`).join(", "));
  }
  const mails = itemsOf((after) =>
    accounts.findQueuedEmails({ first: PAGE_MAX, ...after, ...(state !== undefined && { states: [state] }) }),
  );
  await printRows(mails, MAIL_COLUMNS, output);
}

/**
 * Prints what is known of an email: never its text or its link, which exist only while it is sent.
 * @throws {Error} if there is no such email
 */
export async function showMail(accounts: Accounts, id: string, output: Output): Promise<void> {
  printFacts(await accounts.findQueuedEmail(id), [...MAIL_COLUMNS, ...MORE_MAIL_COLUMNS], output);
}

/**
 * Sends an email again, or without an id all that have failed.
 * @throws {Error} if there is no such email, or none that can be tried again
 */
export async function retryMails(accounts: Accounts, id: string | undefined): Promise<void> {
  const count =
    id === undefined
      ? await accounts.retryFailedEmails(OPERATOR)
      : await accounts.retryEmail(null, id, OPERATOR).then(() => 1);
  printLine(
    `${counted(count)} back in the queue. The running server sends it, or the next server that starts.`,
  );
}

/**
 * Deletes an email, or without an id all that have failed.
 * @throws {Error} if there is no such email, or none that can be discarded
 */
export async function discardMails(accounts: Accounts, id: string | undefined): Promise<void> {
  const count =
    id === undefined
      ? await accounts.discardFailedEmails(OPERATOR)
      : await accounts.discardEmail(null, id, OPERATOR).then(() => 1);
  printLine(`${counted(count)} discarded.`);
}

/** Sends a test email and prints what the SMTP server says. */
export async function testMail(config: Config, email: string): Promise<void> {
  checkArguments({ email }, ["email"]);
  printLine(await sendTestMail(config, email));
}

const counted = (count: number) => (count === 1 ? "1 email is" : `${count} emails are`);

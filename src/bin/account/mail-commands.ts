// The operator's commands about emails. Each prints its result to standard output or throws an error with a message for the operator.
import type { Accounts } from "../../accounts/accounts.ts";
import { PAGE_MAX } from "../../accounts/model/page.ts";
import { MAIL_STATES, type QueuedEmail, type QueuedEmailState } from "../../accounts/model/queued-email.ts";
import { checkArguments } from "../../accounts/rules/argument-rules.ts";
import { OPERATOR, sendTestMail } from "../../app/operator-accounts.ts";
import type { Config } from "../../config/config.ts";
import { printLine } from "../terminal.ts";

/** Prints how many emails are in each state, then one email per line, oldest first: those in `state`, or all that are not done. */
export async function listMails(accounts: Accounts, state?: QueuedEmailState): Promise<void> {
  const counts = await accounts.countQueuedEmails();
  printLine(MAIL_STATES.map((name) => `${counts[name]} ${name}`).join(", "));
  for (let after: string | undefined; ;) {
    const { edges, hasNextPage } = await accounts.findQueuedEmails({
      first: PAGE_MAX,
      ...(after !== undefined && { after }),
      ...(state !== undefined && { states: [state] }),
    });
    for (const { node } of edges) printLine(lineOf(node));
    after = edges.at(-1)?.cursor;
    if (!hasNextPage) return;
  }
}

/**
 * Prints what is known of an email: never its text or its link, which exist only while it is sent.
 * @throws {Error} if there is no such email
 */
export async function showMail(accounts: Accounts, id: string): Promise<void> {
  const mail = await accounts.findQueuedEmail(id);
  const facts: [string, string][] = [
    ["id", mail.id],
    ["email", mail.kind],
    ["user", mail.user ? `${mail.user.username} <${mail.user.email}>` : "who is not there"],
    ["state", mail.state],
    ["requested", mail.createdAt.toISOString()],
    ["attempts", String(mail.attempts)],
    ...(mail.nextAttemptAt ? [["due", mail.nextAttemptAt.toISOString()] as [string, string]] : []),
    ["last error", mail.lastError ?? "none"],
  ];
  for (const [name, value] of facts) printLine(`${name.padEnd(10)}  ${value}`);
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

/** Columns of a fixed width, except for the last. */
function lineOf({ id, state, createdAt, attempts, kind, lastError }: QueuedEmail): string {
  return [
    createdAt.toISOString(),
    state.padEnd(8),
    String(attempts).padStart(3),
    id,
    kind.padEnd(24),
    lastError ?? "",
  ]
    .join("  ")
    .trimEnd();
}

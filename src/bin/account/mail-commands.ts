// The operator's commands about emails. Each prints its result to standard output or throws an error with a message for the operator.
import type { Accounts } from "../../accounts/accounts.ts";
import { AccountError } from "../../accounts/rules/account-error.ts";
import { checkArguments } from "../../accounts/rules/argument-rules.ts";
import {
  sendTestMail,
  type MailState,
  type OperatorMails,
  type QueuedEntry,
} from "../../app/operator-accounts.ts";
import type { Config } from "../../config/config.ts";
import { printLine } from "../terminal.ts";

/** What an operator can select; `done` is left out unless it is asked for. */
export const MAIL_STATES: readonly MailState[] = ["waiting", "sending", "retrying", "failed", "done"];

/** Prints how many emails are in each state, then one email per line, oldest first. */
export async function listMails(mails: OperatorMails, state?: MailState): Promise<void> {
  const counts = await mails.counts();
  printLine(MAIL_STATES.map((name) => `${counts[name]} ${name}`).join(", "));
  const states = state === undefined ? MAIL_STATES.filter((name) => name !== "done") : [state];
  for await (const mail of mails.list(states)) printLine(lineOf(mail));
}

/**
 * Prints what is known of an email: never its text or its link, which exist only while it is sent.
 * @throws {Error} if there is no such email
 */
export async function showMail(accounts: Accounts, mails: OperatorMails, id: string): Promise<void> {
  const mail = await mails.find(id);
  const facts: [string, string][] = [
    ["id", mail.id],
    ["email", mail.job.mail],
    ["user", await userOf(accounts, mail.job.userId)],
    ["state", mail.state],
    ["requested", mail.createdAt.toISOString()],
    ["attempts", String(mail.attempts)],
    ...(mail.state === "retrying" ? [["due", mail.dueAt.toISOString()] as [string, string]] : []),
    ["last error", mail.reason ?? "none"],
  ];
  for (const [name, value] of facts) printLine(`${name.padEnd(10)}  ${value}`);
}

/** @throws {Error} if there is no such email, or none that can be tried again */
export async function retryMails(mails: OperatorMails, id: string | undefined): Promise<void> {
  const count = await mails.retry(id);
  printLine(
    `${counted(count)} back in the queue. The running server sends it, or the next server that starts.`,
  );
}

/** @throws {Error} if there is no such email, or none that can be discarded */
export async function discardMails(mails: OperatorMails, id: string | undefined): Promise<void> {
  printLine(`${counted(await mails.discard(id))} discarded.`);
}

/** Sends a test email and prints what the SMTP server says. */
export async function testMail(config: Config, email: string): Promise<void> {
  checkArguments({ email }, ["email"]);
  printLine(await sendTestMail(config, email));
}

const counted = (count: number) => (count === 1 ? "1 email is" : `${count} emails are`);

async function userOf(accounts: Accounts, id: string): Promise<string> {
  try {
    const { username, email } = await accounts.findUser(id);
    return `${username} <${email}>`;
  } catch (error) {
    if (error instanceof AccountError && error.code === "NOT_FOUND") return `${id}, who is not there`;
    throw error;
  }
}

/** Columns of a fixed width, except for the last. */
function lineOf({ id, state, createdAt, attempts, job, reason }: QueuedEntry): string {
  return [
    createdAt.toISOString(),
    state.padEnd(8),
    String(attempts).padStart(3),
    id,
    job.mail.padEnd(24),
    reason ?? "",
  ]
    .join("  ")
    .trimEnd();
}

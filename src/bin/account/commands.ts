// The operator's commands. Each prints its result to standard output or throws an error with a message for the operator.
import { AccountError } from "../../accounts/rules/account-error.ts";
import type { Accounts } from "../../accounts/accounts.ts";
import { checkArguments } from "../../accounts/rules/argument-rules.ts";
import { foldCase } from "../../accounts/rules/fold-case.ts";
import { stateOf } from "../../accounts/model/account-state.ts";
import { Role, type User } from "../../accounts/model/user.entity.ts";
import { askPassword } from "./ask-password.ts";
import { showProgress } from "./import-progress.ts";
import type { ImportSource } from "./import-sources.ts";
import { makePasswordFilter } from "../../app/make-password-filter.ts";
import { OPERATOR, type Opened } from "../../app/operator-accounts.ts";
import { printLine } from "../terminal.ts";

/**
 * Adds an administrator, or with `isExisting` makes an active user an administrator.
 * @throws {Error} if the user exists and `isExisting` is false
 */
export async function createAdmin(
  parts: Opened,
  username: string,
  email: string,
  isExisting: boolean,
): Promise<void> {
  const { accounts } = parts;
  checkArguments({ username, email }, ["username", "email"]);
  const user = await find(accounts, username);
  if (isExisting) return promote(parts, user, username, email);
  if (user?.isActive && foldCase(user.email) === foldCase(email)) {
    throw new Error(
      `${describe(user)} already exists. Add --existing to make this user an administrator with the same password.`,
    );
  }
  const password = await askPassword();
  printLine(
    `${describe(await accounts.createAdmin({ username, email, password }, OPERATOR))} is now an administrator.`,
  );
}

async function promote(
  { accounts, now }: Opened,
  user: User | null,
  username: string,
  email: string,
): Promise<void> {
  if (!user || foldCase(user.email) !== foldCase(email))
    throw new Error(
      `There is no user ${username} with the email address ${email}. Omit --existing to add one.`,
    );
  const state = stateOf(user, now());
  if (state !== "active")
    throw new Error(`${describe(user)} is ${state}. Only an active user can become an administrator.`);
  const changed = await accounts.setUserRoles(null, user.id, [...user.roles, Role.ADMIN], OPERATOR);
  printLine(`${describe(changed)} is now an administrator.`);
}

export async function deactivate({ accounts }: Opened, name: string): Promise<void> {
  const { id } = await accounts.findUserByName(name);
  const user = await accounts.deactivateUser(null, id, OPERATOR);
  printLine(`${describe(user)} is deactivated and logged out everywhere.`);
}

export async function reactivate({ accounts, now }: Opened, name: string): Promise<void> {
  const { id } = await accounts.findUserByName(name);
  const user = await accounts.reactivateUser(null, id, OPERATOR);
  printLine(`${describe(user)} is ${stateOf(user, now())}.`);
}

/** Emails a password reset link. */
export async function reset({ accounts }: Opened, name: string): Promise<void> {
  const { email } = await accounts.findUserByName(name);
  printLine(`${await accounts.requestReset({ email }, OPERATOR)} ${SENT_BY_SERVER}`);
}

/** Emails another confirmation link. */
export async function resend({ accounts }: Opened, name: string): Promise<void> {
  const { email } = await accounts.findUserByName(name);
  printLine(`${await accounts.resendRegistration({ email }, OPERATOR)} ${SENT_BY_SERVER}`);
}

const SENT_BY_SERVER = "The running server sends it, or the next server that starts.";

/** @returns whether all users were imported */
export async function importAll(accounts: Accounts, source: ImportSource): Promise<boolean> {
  const progress = showProgress(source.total);
  const sum = { imported: 0, existing: 0, refused: 0 };
  try {
    for await (const batch of accounts.importUsers(source.records, OPERATOR)) {
      for (const { place, reason } of batch.refused) progress.tell(`${place}: ${reason}`);
      sum.imported += batch.imported;
      sum.existing += batch.existing;
      sum.refused += batch.refused.length;
      progress.at(source.read());
    }
  } finally {
    progress.stop();
  }
  printLine(`${sum.imported} imported, ${sum.existing} already there, ${sum.refused} refused.`);
  return sum.refused === 0;
}

/** @returns whether everything holds that must hold */
export async function verify(accounts: Accounts): Promise<boolean> {
  let [held, broken] = [0, 0];
  for await (const { promise, count, examples } of accounts.verify()) {
    if (count === 0) held += 1;
    else broken += 1;
    printLine(
      count === 0
        ? `holds   ${promise}.`
        : `BROKEN  ${promise}: ${count} ${count === 1 ? "does" : "do"} not, such as ${examples.join(", ")}.`,
    );
  }
  printLine(`${held} of ${held + broken} hold.`);
  return broken === 0;
}

/**
 * Makes a database that was restored from a backup safe to serve.
 * @throws {Error} if a server uses it already
 */
export async function afterRestore({ accounts, isServed }: Opened): Promise<void> {
  if (await isServed())
    throw new Error(
      "A server uses this database and may be sending emails again. Stop all servers, and run after-restore before they start.",
    );
  const done = await accounts.afterRestore(OPERATOR);
  printLine(
    `Sessions that have ended: ${done.sessionsEnded}; accounts whose links are void: ${done.accounts}; ` +
      `emails that wait for your decision (mail list): ${done.mailsHeld}.`,
  );
}

/** Removes what has expired, by the clock that the operator says is right. */
export async function cleanUp(accounts: Accounts): Promise<void> {
  const { now, ranLastAt, removed } = await accounts.cleanUp(true);
  const counts = Object.entries(removed ?? {}).map(([kind, count]) => `${kind} ${count}`);
  printLine(
    `Removed what had expired by ${now.toISOString()} (the last time: ${ranLastAt?.toISOString() ?? "never"}): ${counts.join(", ")}.`,
  );
}

/** Of many bad lines, the first ones tell enough. */
const BAD_LINES_SHOWN = 10;

/**
 * Makes the file of PASSWORD_FILTER from a list of breached passwords.
 * @param opened receives everything that has to be closed
 * @returns whether all lines were understood
 */
export async function makeFilter(list: string, path: string, opened: AsyncDisposableStack): Promise<boolean> {
  const progress = showProgress(1);
  let shown = 0;
  try {
    const { entries, badLines, bytes } = await makePasswordFilter(
      list,
      path,
      {
        at: (read, total) => progress.at(read / total),
        tellBadLine: (sentence) => {
          if ((shown += 1) <= BAD_LINES_SHOWN) progress.tell(sentence);
        },
      },
      opened,
    );
    console.log(`${entries} passwords in ${path}, ${bytes} bytes; ${badLines} lines were not understood.`);
    console.log(`Set PASSWORD_FILTER=${path} and restart the server.`);
    return badLines === 0;
  } finally {
    progress.stop();
  }
}

async function find(accounts: Accounts, name: string): Promise<User | null> {
  try {
    return await accounts.findUserByName(name);
  } catch (error) {
    if (error instanceof AccountError && error.code === "NOT_FOUND") return null;
    throw error;
  }
}

const describe = (user: User) => `${user.username} <${user.email}>`;

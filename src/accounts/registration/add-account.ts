import { LockMode, type EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { isLapsed } from "../model/account-state.ts";
import type { RequestSource } from "../model/request-source.ts";
import { User } from "../model/user.entity.ts";
import { AccountError, usernameTaken } from "../rules/account-error.ts";
import { foldCase } from "../rules/fold-case.ts";
import { emailTurn, refuseFormerUsername, takeTurns, usernameTurn } from "../store/locks.ts";
import { insertUser } from "../store/users.ts";

/**
 * Stores a new account, in the place of those that give way to it. Whoever else takes the username or the email address waits
 * until the transaction ends.
 * @throws {AccountError} USERNAME_TAKEN, EMAIL_TAKEN
 */
export async function addAccount(
  deps: Dependencies,
  em: EntityManager,
  user: User,
  source: RequestSource,
): Promise<void> {
  await takeTurns(em, [usernameTurn(user.username), emailTurn(user.email)]);
  await refuseFormerUsername(em, user.username, user, deps.now());
  const replaced = await replaceable(deps, em, user);
  await insertUser(em, user, replaced, deps.auditTrail.event("REGISTERED", { user, source, actor: null }));
}

/**
 * The accounts whose place this registration takes.
 * @throws {AccountError} USERNAME_TAKEN, EMAIL_TAKEN
 */
async function replaceable(
  { now, hideAccountExistence }: Dependencies,
  em: EntityManager,
  args: { username: string; email: string },
): Promise<User[]> {
  const usernameKey = foldCase(args.username);
  const emailKey = foldCase(args.email);
  // Locked, so that none of them is activated meanwhile; in one order, so that two registrations cannot deadlock.
  const found = await em.find(
    User,
    { $or: [{ usernameKey }, { emailKey }] },
    { orderBy: { id: "asc" }, lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  // Where existence is hidden, whoever owns the mailbox decides, so any unconfirmed account of the email address gives way.
  const givesWay = (user: User) =>
    isLapsed(user, now()) || (hideAccountExistence && !user.isActive && user.emailKey === emailKey);
  const kept = found.filter((user) => !givesWay(user));
  if (kept.some((user) => user.usernameKey === usernameKey)) throw usernameTaken(args.username);
  const holders = kept.filter((user) => user.emailKey === emailKey);
  if (holders.length > 0 && !hideAccountExistence) throw emailTaken(args.email, holders);
  return found.filter(givesWay);
}

function emailTaken(email: string, holders: readonly User[]): AccountError {
  const message = holders.some((user) => user.isActive)
    ? `An account with the email address ${email} already exists. Log in, or reset its password.`
    : `${email} is waiting for confirmation. Open the link in the confirmation email, or request a new one with resendRegistration.`;
  return new AccountError("EMAIL_TAKEN", message, { field: "email" });
}

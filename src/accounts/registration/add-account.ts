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
 *
 * Once a second registration of an email address is known, nobody can tell whose password the opener of a link would activate. The
 * account is then contested: its link asks for a new password, which the owner of the mailbox chooses (finalizeRegistration).
 * @returns the refusal, USERNAME_TAKEN or EMAIL_TAKEN, to be thrown after the commit; null if the account is stored
 */
export async function addAccount(
  deps: Dependencies,
  em: EntityManager,
  user: User,
  source: RequestSource,
): Promise<AccountError | null> {
  await takeTurns(em, [usernameTurn(user.username), emailTurn(user.email)]);
  await refuseFormerUsername(em, user.username, user, deps.now());
  const usernameKey = foldCase(user.username);
  const emailKey = foldCase(user.email);
  // Locked, so that none of them is activated meanwhile; in one order, so that two registrations cannot deadlock.
  const found = await em.find(
    User,
    { $or: [{ usernameKey }, { emailKey }] },
    { orderBy: { id: "asc" }, lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  const lapsed = found.filter((other) => isLapsed(other, deps.now()));
  const kept = found.filter((other) => !lapsed.includes(other));
  const holders = kept.filter((other) => other.emailKey === emailKey);
  const pending = holders.find((other) => !other.isActive);
  // Where existence is hidden, whoever owns the mailbox decides, so the pending account of the email address becomes this one.
  const earlier = deps.hideAccountExistence ? pending : undefined;

  const isNameTaken = kept.some((other) => other.usernameKey === usernameKey && other !== earlier);
  if (isNameTaken || (holders.length > 0 && !deps.hideAccountExistence)) {
    // Not where existence is hidden: the time of the write would tell that the email address has an account.
    if (pending && !deps.hideAccountExistence) pending.isContested = true;
    return isNameTaken ? usernameTaken(user.username) : emailTaken(user.email, holders);
  }

  // An expired registration counts, too: its owner may take the link of this one for their own.
  user.isContested = !user.isActive && found.some((other) => other.emailKey === emailKey);
  if (earlier) {
    // Links that were sent for the earlier registration stay good, because they no longer activate anybody's password.
    user.id = earlier.id;
    user.credentialVersion = earlier.credentialVersion;
  }
  await insertUser(em, user, lapsed, deps.auditTrail.event("REGISTERED", { user, source, actor: null }));
  return null;
}

function emailTaken(email: string, holders: readonly User[]): AccountError {
  const message = holders.some((user) => user.isActive)
    ? `An account with the email address ${email} already exists. Log in, or reset its password.`
    : `${email} is waiting for confirmation. Open the link in the confirmation email, or request a new one with resendRegistration.`;
  return new AccountError("EMAIL_TAKEN", message, { field: "email" });
}

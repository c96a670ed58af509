import type { EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { answerTo } from "../model/account-state.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { SignIn } from "../model/sign-in.ts";
import type { User } from "../model/user.entity.ts";
import { AccountError, deactivated, invalidCredentials, serverBusy } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { lockUser } from "../store/locks.ts";
import { findByName, replacePasswordHash } from "../store/users.ts";

/**
 * Signs in with a username or an email address, and takes back a deletion.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, ACCOUNT_NOT_ACTIVATED, ACCOUNT_DEACTIVATED, SERVER_BUSY, RATE_LIMITED, CHALLENGE_REQUIRED
 */
export async function login(
  deps: Dependencies,
  username: string,
  password: string,
  source: RequestSource,
): Promise<SignIn> {
  checkArguments({ username, password });
  if (!deps.passwords.isPossible(password)) throw invalidCredentials();
  const user = await findByName(deps.em, username);
  const device = user && deps.deviceTokens.find(user.id, source.deviceTokens ?? []);
  const refusal = await deps.rateLimits.tryPassword(username, device, { user, source }, async () => {
    const isRight = await deps.passwords.verify(user?.passwordHash ?? null, password, source);
    return user && isRight ? refuse(deps, user) : invalidCredentials();
  });
  if (!user || refusal) {
    // Recorded for an unknown name, too, or the time would tell that it is unknown.
    await deps.auditTrail.record(deps.em, "LOGIN_FAILED", { user, source, actor: null });
    // An imported hash may take another time than one made here.
    if (deps.hideAccountExistence) await deps.passwords.evenOut(user?.passwordHash ?? null, password, source);
    throw refusal ?? invalidCredentials();
  }
  if (source.gone?.aborted) throw serverBusy(); // nobody is there to take a session
  const newHash = await deps.passwords.upgrade(user.passwordHash, password, source);
  if (newHash === null && !user.eraseAt) return deps.sessions.open(deps.em, user, "LOGGED_IN", source);
  return deps.transaction(async (em) => {
    if (newHash !== null) {
      await replacePasswordHash(em, user, newHash);
      user.passwordHash = newHash; // `user` is no entity; by the hash, sessions.open sees that nobody has changed it since
    }
    if (user.eraseAt) await restore(deps, em, user, source);
    return deps.sessions.open(em, user, "LOGGED_IN", source);
  });
}

/** Whoever gave the right password learns why it does not help. */
function refuse({ now, hideAccountExistence }: Dependencies, user: User): AccountError | null {
  if (!user.isActive && hideAccountExistence) return invalidCredentials();
  const answer = answerTo("login", user, now());
  switch (answer) {
    case "OK":
    case "RESTORED":
      return null;
    case "INVALID_CREDENTIALS":
      return invalidCredentials();
    case "ACCOUNT_DEACTIVATED":
      return deactivated("username");
    case "ACCOUNT_NOT_ACTIVATED":
      return new AccountError(
        answer,
        `The account ${user.username} is not confirmed yet. Open the link in the confirmation email, or request a new one with resendRegistration.`,
        { field: "username" },
      );
  }
}

/**
 * If the password has changed meanwhile, sessions.open throws and this is rolled back.
 * @throws {AccountError} INVALID_CREDENTIALS if the account was erased meanwhile
 */
async function restore(
  deps: Dependencies,
  em: EntityManager,
  { id }: User,
  source: RequestSource,
): Promise<void> {
  const user = await lockUser(em, id);
  if (!user) throw invalidCredentials();
  user.eraseAt = null;
  await deps.auditTrail.record(em, "RESTORED", { user, source, actor: user });
}

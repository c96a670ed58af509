import type { EntityManager } from "@mikro-orm/postgresql";

import { AccountError, deactivated, invalidCredentials } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { isOutdated } from "../hashing/hash-formats.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { openSession, type SignIn } from "../store/sessions.ts";
import type { User } from "../model/user.entity.ts";
import { replacePasswordHash } from "../store/user-rows.ts";
import { findByName, lock } from "../store/users.ts";

/**
 * Signs in with a username or an email address, and takes back a deletion.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, ACCOUNT_NOT_ACTIVATED, ACCOUNT_DEACTIVATED, SERVER_BUSY
 */
export async function login(
  deps: Dependencies,
  username: string,
  password: string,
  source: RequestSource,
): Promise<SignIn> {
  checkArguments({ username, password });
  const user = await findByName(deps.em, username);
  const matches = await deps.passwords.verify(user?.passwordHash ?? null, password);
  const refusal = refuse(deps, user, matches);
  if (!user || refusal) {
    // For an unknown name, too, or the time would tell that it is one.
    await record(deps, deps.em, "LOGIN_FAILED", { user, source, actor: null });
    throw refusal ?? invalidCredentials();
  }
  const newHash = await upgradedHash(deps, user, password);
  if (newHash === null && !user.eraseAt) return openSession(deps, deps.em, user, "LOGGED_IN", source);
  return deps.em.fork().transactional(async (em) => {
    if (newHash !== null) {
      await replacePasswordHash(em, user, newHash);
      user.passwordHash = newHash; // by which openSession knows that nobody has changed it
    }
    if (user.eraseAt) await restore(deps, em, user, source);
    return openSession(deps, em, user, "LOGGED_IN", source);
  });
}

function refuse(deps: Dependencies, user: User | null, matches: boolean): AccountError | undefined {
  if (!user || !matches || user.isErasedAt(deps.now())) return invalidCredentials();
  if (!user.isActive && deps.hideAccountExistence) return invalidCredentials();
  if (user.deactivatedAt) return deactivated("username");
  if (user.isActive) return undefined;
  return new AccountError(
    "ACCOUNT_NOT_ACTIVATED",
    `The account of ${user.username} is not activated: use the link in the confirmation mail, or have it sent again.`,
    { field: "username" },
  );
}

/**
 * Where the password has changed meanwhile, openSession takes it back.
 * @throws {AccountError} INVALID_CREDENTIALS once the account is erased
 */
async function restore(
  deps: Dependencies,
  em: EntityManager,
  { id }: User,
  source: RequestSource,
): Promise<void> {
  const user = await lock(em, id);
  if (!user) throw invalidCredentials();
  user.eraseAt = null;
  await em.flush();
  await record(deps, em, "RESTORED", { user, source, actor: user });
}

async function upgradedHash(deps: Dependencies, user: User, password: string): Promise<string | null> {
  if (!isOutdated(user.passwordHash)) return null;
  try {
    return await deps.passwords.hash(password);
  } catch (error) {
    // SERVER_BUSY is no reason to refuse a right password: the next login tries again.
    if (error instanceof AccountError) return null;
    throw error;
  }
}

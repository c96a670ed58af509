import { invalidToken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { endSessions, openSession, type SignIn } from "../store/sessions.ts";
import { User } from "../model/user.entity.ts";
import { replacePasswordHash } from "../store/user-rows.ts";
import { enqueueMail, isBoundTo, lockOwner, readMailedToken } from "../store/users.ts";

/**
 * Sets a new password, ends every older session and link, tells the owner by mail, signs in, and takes back a deletion.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN, WEAK_PASSWORD, SERVER_BUSY
 */
export async function finalizeReset(
  deps: Dependencies,
  token: string,
  password: string,
  source: RequestSource,
): Promise<SignIn> {
  checkArguments({ token, password });
  const subject = readMailedToken(deps, "reset", token);
  const owner = await deps.em.fork().findOne(User, { id: subject.userId });
  if (!owner || !isBoundTo(subject, owner) || !owner.isActive) throw invalidToken();
  deps.passwords.checkStrength(password, owner);
  const passwordHash = await deps.passwords.hash(password);
  return deps.em.fork().transactional(async (em) => {
    const user = await lockOwner(em, subject, true);
    if (user.isErasedAt(deps.now())) throw invalidToken();
    await replacePasswordHash(em, user, passwordHash);
    user.endOlderTokens(deps.now());
    const wasDeleted = user.eraseAt !== null;
    user.eraseAt = null;
    await em.flush();
    await endSessions(em, user);
    if (wasDeleted) await record(deps, em, "RESTORED", { user, source, actor: user });
    await enqueueMail(deps, em, "password-changed", user);
    return openSession(deps, em, user, "PASSWORD_RESET", source);
  });
}

import { invalidToken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import type { AccountsParts, Origin } from "../dependencies.ts";
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
  parts: AccountsParts,
  token: string,
  password: string,
  origin: Origin,
): Promise<SignIn> {
  checkArguments({ token, password });
  const subject = readMailedToken(parts, "reset", token);
  const owner = await parts.em.fork().findOne(User, { id: subject.userId });
  if (!owner || !isBoundTo(subject, owner) || !owner.isActive) throw invalidToken();
  parts.passwords.checkStrength(password, owner);
  const passwordHash = await parts.passwords.hash(password);
  return parts.em.fork().transactional(async (em) => {
    const user = await lockOwner(em, subject, true);
    if (user.isErasedAt(parts.now())) throw invalidToken();
    await replacePasswordHash(em, user, passwordHash);
    user.endOlderTokens(parts.now());
    const wasDeleted = user.eraseAt !== null;
    user.eraseAt = null;
    await em.flush();
    await endSessions(em, user);
    if (wasDeleted) await record(parts, em, "RESTORED", { user, origin, actor: user });
    await enqueueMail(parts, em, "password-changed", user);
    return openSession(parts, em, user, "PASSWORD_RESET", origin);
  });
}

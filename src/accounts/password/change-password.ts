import { LockMode } from "@mikro-orm/postgresql";

import { checkArguments } from "../rules/argument-rules.ts";
import { unauthenticated } from "../rules/account-error.ts";
import type { AccountsParts, Origin } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { RefreshToken, Session } from "../model/session.entity.ts";
import { continueSession, endSessions, type SignIn, type Viewer } from "../store/sessions.ts";
import { replacePasswordHash } from "../store/user-rows.ts";
import { confirmPassword, enqueueMail, lockViewer } from "../store/users.ts";

/**
 * Sets a new password, ends every other session and every link, tells the owner by mail, and continues this session.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, WEAK_PASSWORD, SERVER_BUSY, UNAUTHENTICATED
 */
export async function changePassword(
  parts: AccountsParts,
  viewer: Viewer,
  currentPassword: string,
  newPassword: string,
  origin: Origin,
): Promise<SignIn> {
  checkArguments({ currentPassword, newPassword });
  parts.passwords.checkStrength(newPassword, viewer.user, "newPassword");
  await confirmPassword(parts, viewer.user, "currentPassword", currentPassword, origin);
  const passwordHash = await parts.passwords.hash(newPassword);
  return parts.em.fork().transactional(async (em) => {
    const user = await lockViewer(em, viewer.user);
    // Locked, or a refresh under way would leave it a token of before.
    const session = await em.findOne(
      Session,
      { id: viewer.session.id },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (!session) throw unauthenticated();
    await replacePasswordHash(em, user, passwordHash);
    user.endOlderTokens(parts.now());
    await endSessions(em, user, session);
    await em.nativeDelete(RefreshToken, { session: session.id });
    await record(parts, em, "PASSWORD_CHANGED", { user, origin, actor: user });
    await enqueueMail(parts, em, "password-changed", user);
    return continueSession(parts, em, session);
  });
}

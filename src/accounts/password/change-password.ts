import { LockMode } from "@mikro-orm/postgresql";

import { checkArguments } from "../rules/argument-rules.ts";
import { unauthenticated } from "../rules/account-error.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
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
  deps: Dependencies,
  viewer: Viewer,
  currentPassword: string,
  newPassword: string,
  source: RequestSource,
): Promise<SignIn> {
  checkArguments({ currentPassword, newPassword });
  deps.passwords.checkStrength(newPassword, viewer.user, "newPassword");
  await confirmPassword(deps, viewer.user, "currentPassword", currentPassword, source);
  const passwordHash = await deps.passwords.hash(newPassword);
  return deps.em.fork().transactional(async (em) => {
    const user = await lockViewer(em, viewer.user);
    // Locked, or a refresh under way would leave it a token of before.
    const session = await em.findOne(
      Session,
      { id: viewer.session.id },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (!session) throw unauthenticated();
    await replacePasswordHash(em, user, passwordHash);
    user.endOlderTokens(deps.now());
    await endSessions(em, user, session);
    await em.nativeDelete(RefreshToken, { session: session.id });
    await record(deps, em, "PASSWORD_CHANGED", { user, source, actor: user });
    await enqueueMail(deps, em, "password-changed", user);
    return continueSession(deps, em, session);
  });
}

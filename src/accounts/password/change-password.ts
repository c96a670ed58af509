import { LockMode } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import { RefreshToken, Session } from "../model/session.entity.ts";
import type { SignIn, Viewer } from "../model/sign-in.ts";
import { unauthenticated } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { lockViewer } from "../store/locks.ts";
import { replacePasswordHash } from "../store/users.ts";
import { confirmPassword } from "./confirm-password.ts";

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
  await confirmPassword(deps, viewer.user, "currentPassword", currentPassword, source);
  const passwordHash = await deps.passwords.hashNew(newPassword, viewer.user, "newPassword");
  return deps.transaction(async (em) => {
    const user = await lockViewer(em, viewer.user, deps.now());
    // Locked, or a concurrent refresh would add a token to it after the old ones are deleted.
    const session = await em.findOne(
      Session,
      { id: viewer.session.id },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (!session) throw unauthenticated();
    await replacePasswordHash(em, user, passwordHash);
    user.endOlderTokens(deps.now());
    await deps.sessions.endAll(em, user, session);
    await em.nativeDelete(RefreshToken, { session: session.id });
    await deps.auditTrail.record(em, "PASSWORD_CHANGED", { user, source, actor: user });
    await deps.outbox.enqueue(em, "password-changed", user);
    return deps.sessions.continue(em, session);
  });
}

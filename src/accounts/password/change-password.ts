import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { SignIn, Viewer } from "../model/sign-in.ts";
import { unauthenticated } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { lockViewer } from "../store/locks.ts";
import { replacePasswordHash } from "../store/users.ts";
import { confirmPassword } from "./confirm-password.ts";

/**
 * Sets a new password, ends every session and every link, tells the owner by mail, and signs in again.
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
  await confirmPassword(deps, viewer, "currentPassword", currentPassword, source);
  const passwordHash = await deps.passwords.hashNew(newPassword, viewer.user, source, {
    field: "newPassword",
  });
  return deps.transaction(async (em) => {
    const user = await lockViewer(em, viewer.user, deps.now());
    // A device that was logged out since the request began is refused.
    if (!(await deps.sessions.end(em, user, viewer.session.id))) throw unauthenticated();
    await replacePasswordHash(em, user, passwordHash);
    user.endOlderTokens(deps.now());
    // This one too, or a copy of its refresh token would stay good.
    await deps.sessions.endAll(em, user);
    await deps.outbox.enqueue(em, "password-changed", user);
    return deps.sessions.open(em, user, "PASSWORD_CHANGED", source);
  });
}

import { checkArguments } from "../rules/argument-rules.ts";
import { daysAfter, type AccountsParts, type Origin } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { endSessions, type Viewer } from "../store/sessions.ts";
import { confirmPassword, enqueueMail, keepAnAdmin, lockViewer } from "../store/users.ts";

export const ERASED_AFTER_DAYS = 30;

/**
 * Signs out everywhere and marks the account for erasure; signing in within ERASED_AFTER_DAYS restores it.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, LAST_ADMIN, SERVER_BUSY, UNAUTHENTICATED
 */
export async function deleteAccount(
  parts: AccountsParts,
  viewer: Viewer,
  password: string,
  origin: Origin,
): Promise<string> {
  checkArguments({ password });
  await confirmPassword(parts, viewer.user, "password", password, origin);
  await parts.em.fork().transactional(async (em) => {
    const user = await lockViewer(em, viewer.user);
    await keepAnAdmin(em, user);
    user.eraseAt = daysAfter(parts.now(), ERASED_AFTER_DAYS);
    user.endOlderTokens(parts.now());
    await em.flush();
    await endSessions(em, user);
    await record(parts, em, "DELETION_REQUESTED", { user, origin, actor: user });
    await enqueueMail(parts, em, "account-deleted", user);
  });
  return `The account is deleted. Sign in within ${ERASED_AFTER_DAYS} days to restore it; then it is erased.`;
}

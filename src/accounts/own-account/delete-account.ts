import { checkArguments } from "../rules/argument-rules.ts";
import { daysAfter, type Dependencies, type RequestSource } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { endSessions, type Viewer } from "../store/sessions.ts";
import { confirmPassword, enqueueMail, keepAnAdmin, lockViewer } from "../store/users.ts";

export const ERASED_AFTER_DAYS = 30;

/**
 * Signs out everywhere and marks the account for erasure; signing in within ERASED_AFTER_DAYS restores it.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, LAST_ADMIN, SERVER_BUSY, UNAUTHENTICATED
 */
export async function deleteAccount(
  deps: Dependencies,
  viewer: Viewer,
  password: string,
  source: RequestSource,
): Promise<string> {
  checkArguments({ password });
  await confirmPassword(deps, viewer.user, "password", password, source);
  await deps.em.fork().transactional(async (em) => {
    const user = await lockViewer(em, viewer.user);
    await keepAnAdmin(em, user);
    user.eraseAt = daysAfter(deps.now(), ERASED_AFTER_DAYS);
    user.endOlderTokens(deps.now());
    await em.flush();
    await endSessions(em, user);
    await record(deps, em, "DELETION_REQUESTED", { user, source, actor: user });
    await enqueueMail(deps, em, "account-deleted", user);
  });
  return `The account is deleted. Sign in within ${ERASED_AFTER_DAYS} days to restore it; then it is erased.`;
}

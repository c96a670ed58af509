import type { Dependencies } from "../dependencies.ts";
import { RESTORABLE_DAYS } from "../model/account-state.ts";
import { daysAfter } from "../model/days.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Viewer } from "../model/sign-in.ts";
import { confirmPassword } from "../password/confirm-password.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { keepAnAdmin, lockViewer } from "../store/locks.ts";

/**
 * Signs out everywhere and marks the account for erasure; signing in within RESTORABLE_DAYS restores it.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, LAST_ADMIN, SERVER_BUSY, UNAUTHENTICATED, RATE_LIMITED
 */
export async function deleteAccount(
  deps: Dependencies,
  viewer: Viewer,
  password: string,
  source: RequestSource,
): Promise<string> {
  checkArguments({ password });
  await confirmPassword(deps, viewer, "password", password, source);
  await deps.transaction(async (em) => {
    const user = await lockViewer(em, viewer.user, deps.now());
    await keepAnAdmin(em, user, deps.now());
    user.eraseAt = daysAfter(deps.now(), RESTORABLE_DAYS);
    user.endOlderTokens(deps.now());
    await deps.sessions.endAll(em, user);
    await deps.auditTrail.record(em, "DELETION_REQUESTED", { user, source, actor: user });
    await deps.outbox.enqueue(em, "account-deleted", user);
  });
  return `Your account is deleted. Log in within ${RESTORABLE_DAYS} days to restore it. After that, it is permanently erased.`;
}

import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Viewer } from "../model/sign-in.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { lockViewer } from "../store/locks.ts";
import { noteConfirmation, STEP_UP_MINUTES } from "../store/step-up.ts";
import { confirmPassword } from "./confirm-password.ts";

/**
 * Confirms the password of the session, for what administrators do to others in the next STEP_UP_MINUTES.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, SERVER_BUSY, UNAUTHENTICATED, RATE_LIMITED
 */
export async function stepUp(
  deps: Dependencies,
  viewer: Viewer,
  password: string,
  source: RequestSource,
): Promise<string> {
  checkArguments({ password });
  await confirmPassword(deps, viewer, "password", password, source);
  await deps.transaction(async (em) => {
    const user = await lockViewer(em, viewer.user, deps.now());
    await noteConfirmation(em, viewer.session, deps.now());
    await deps.auditTrail.record(em, "PASSWORD_CONFIRMED", { user, source, actor: user });
  });
  return `Your password is confirmed for the next ${STEP_UP_MINUTES} minutes.`;
}

import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { User } from "../model/user.entity.ts";
import { keepAnAdmin } from "../store/locks.ts";
import { changeUser, type Admin } from "./change-user.ts";

/**
 * Signs a user out everywhere, voids every link, and lets nobody in again before `reactivateUser`.
 * @throws {AccountError} LAST_ADMIN, and what changeUser throws
 */
export async function deactivateUser(
  deps: Dependencies,
  admin: Admin,
  id: string,
  source: RequestSource,
): Promise<User> {
  return changeUser(deps, admin, id, "DEACTIVATED", source, async (user, em) => {
    await keepAnAdmin(em, user, deps.now());
    user.deactivatedAt ??= deps.now();
    user.endOlderTokens(deps.now());
    await deps.sessions.endAll(em, user);
  });
}

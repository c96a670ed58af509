import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { User } from "../model/user.entity.ts";
import { changeUser, type Admin } from "./change-user.ts";

/**
 * Signs a user out on every device, and no more.
 * @throws {AccountError} what changeUser throws
 */
export async function endUserSessions(
  deps: Dependencies,
  admin: Admin,
  id: string,
  source: RequestSource,
): Promise<User> {
  return changeUser(deps, admin, id, "SESSIONS_ENDED", source, (user, em) => deps.sessions.endAll(em, user));
}

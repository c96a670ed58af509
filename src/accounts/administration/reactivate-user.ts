import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { User } from "../model/user.entity.ts";
import { changeUser, type Admin } from "./change-user.ts";

/**
 * Takes a deactivation back: the user logs in as before.
 * @throws {AccountError} what changeUser throws
 */
export async function reactivateUser(
  deps: Dependencies,
  admin: Admin,
  id: string,
  source: RequestSource,
): Promise<User> {
  return changeUser(deps, admin, id, "REACTIVATED", source, (user) => {
    user.deactivatedAt = null;
    user.updatedAt = deps.now();
  });
}

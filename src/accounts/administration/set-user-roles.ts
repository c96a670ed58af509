import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import { Role, type User } from "../model/user.entity.ts";
import { refuseFaults } from "../rules/argument-rules.ts";
import { keepAnAdmin } from "../store/locks.ts";
import { changeUser, type Admin } from "./change-user.ts";

/**
 * Replaces the roles of a user.
 * @throws {AccountError} NOT_FOUND, LAST_ADMIN, BAD_USER_INPUT
 */
export async function setUserRoles(
  deps: Dependencies,
  admin: Admin,
  id: string,
  roles: readonly Role[],
  source: RequestSource,
): Promise<User> {
  if (roles.length === 0)
    refuseFaults([{ field: "roles", message: "Give at least one role, such as USER." }]);
  return changeUser(deps, admin, id, "ROLES_CHANGED", source, async (user, em) => {
    if (!roles.includes(Role.ADMIN)) await keepAnAdmin(em, user, deps.now());
    user.roles = Object.values(Role).filter((role) => roles.includes(role));
    user.updatedAt = deps.now();
  });
}

import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import { Role, type User } from "../model/user.entity.ts";
import { AccountError } from "../rules/account-error.ts";
import { refuseFaults } from "../rules/argument-rules.ts";
import { keepAnAdmin } from "../store/locks.ts";
import { changeUser, type Admin } from "./change-user.ts";

/**
 * Replaces the roles of a user.
 * @throws {AccountError} BAD_USER_INPUT, ACCOUNT_NOT_ACTIVATED, LAST_ADMIN, and what changeUser throws
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
    else if (!user.isActive) throw notConfirmed(user);
    user.roles = Object.values(Role).filter((role) => roles.includes(role));
    user.updatedAt = deps.now();
  });
}

/** Nobody has proved yet to own the email address, and any registration may take the account's place. */
function notConfirmed({ username }: User): AccountError {
  return new AccountError(
    "ACCOUNT_NOT_ACTIVATED",
    `${username} has not confirmed the email address yet, and cannot be an administrator before that.`,
    { field: "id" },
  );
}

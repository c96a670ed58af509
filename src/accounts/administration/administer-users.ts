import type { EntityManager } from "@mikro-orm/postgresql";

import { AccountError } from "../rules/account-error.ts";
import type { AccountEventType } from "../model/account-event.entity.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { endSessions } from "../store/sessions.ts";
import { Role, type User } from "../model/user.entity.ts";
import { keepAnAdmin, lockById } from "../store/users.ts";

/** An administrator; null for the operator at the command line. */
type Admin = User | null;

/**
 * @throws {AccountError} NOT_FOUND, LAST_ADMIN, BAD_USER_INPUT
 */
export async function setUserRoles(
  deps: Dependencies,
  admin: Admin,
  id: string,
  roles: readonly Role[],
  source: RequestSource,
): Promise<User> {
  if (roles.length === 0) {
    const fields = [{ field: "roles", message: "Give at least one role, such as USER." }];
    throw new AccountError("BAD_USER_INPUT", "roles: Give at least one role, such as USER.", { fields });
  }
  return change(deps, admin, id, "ROLES_CHANGED", source, async (user, em) => {
    if (!roles.includes(Role.ADMIN)) await keepAnAdmin(em, user);
    user.roles = Object.values(Role).filter((role) => roles.includes(role));
    user.updatedAt = deps.now();
  });
}

/**
 * Signs a user out everywhere and lets nobody in again before `reactivateUser`; every link dies.
 * @throws {AccountError} NOT_FOUND, LAST_ADMIN
 */
export async function deactivateUser(
  deps: Dependencies,
  admin: Admin,
  id: string,
  source: RequestSource,
): Promise<User> {
  return change(deps, admin, id, "DEACTIVATED", source, async (user, em) => {
    await keepAnAdmin(em, user);
    user.deactivatedAt ??= deps.now();
    user.endOlderTokens(deps.now());
    await endSessions(em, user);
  });
}

/** @throws {AccountError} NOT_FOUND */
export async function reactivateUser(
  deps: Dependencies,
  admin: Admin,
  id: string,
  source: RequestSource,
): Promise<User> {
  return change(deps, admin, id, "REACTIVATED", source, (user) => {
    user.deactivatedAt = null;
    user.updatedAt = deps.now();
  });
}

/** @throws {AccountError} NOT_FOUND */
export async function endUserSessions(
  deps: Dependencies,
  admin: Admin,
  id: string,
  source: RequestSource,
): Promise<User> {
  return change(deps, admin, id, "SESSIONS_ENDED", source, (user, em) => endSessions(em, user));
}

/** One change of one locked user with its event. */
function change(
  deps: Dependencies,
  admin: Admin,
  id: string,
  type: AccountEventType,
  source: RequestSource,
  apply: (user: User, em: EntityManager) => Promise<void> | void,
): Promise<User> {
  return deps.em.fork().transactional(async (em) => {
    const user = await lockById(em, id);
    await apply(user, em);
    await em.flush();
    await record(deps, em, type, { user, source, actor: admin });
    return user;
  });
}

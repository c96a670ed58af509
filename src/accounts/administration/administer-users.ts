import type { EntityManager } from "@mikro-orm/postgresql";

import { AccountError } from "../rules/account-error.ts";
import type { AccountEventType } from "../model/account-event.entity.ts";
import type { AccountsParts, Origin } from "../dependencies.ts";
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
  parts: AccountsParts,
  admin: Admin,
  id: string,
  roles: readonly Role[],
  origin: Origin,
): Promise<User> {
  if (roles.length === 0) {
    const fields = [{ field: "roles", message: "Give at least one role, such as USER." }];
    throw new AccountError("BAD_USER_INPUT", "roles: Give at least one role, such as USER.", { fields });
  }
  return change(parts, admin, id, "ROLES_CHANGED", origin, async (user, em) => {
    if (!roles.includes(Role.ADMIN)) await keepAnAdmin(em, user);
    user.roles = Object.values(Role).filter((role) => roles.includes(role));
    user.updatedAt = parts.now();
  });
}

/**
 * Signs a user out everywhere and lets nobody in again before `reactivateUser`; every link dies.
 * @throws {AccountError} NOT_FOUND, LAST_ADMIN
 */
export async function deactivateUser(
  parts: AccountsParts,
  admin: Admin,
  id: string,
  origin: Origin,
): Promise<User> {
  return change(parts, admin, id, "DEACTIVATED", origin, async (user, em) => {
    await keepAnAdmin(em, user);
    user.deactivatedAt ??= parts.now();
    user.endOlderTokens(parts.now());
    await endSessions(em, user);
  });
}

/** @throws {AccountError} NOT_FOUND */
export async function reactivateUser(
  parts: AccountsParts,
  admin: Admin,
  id: string,
  origin: Origin,
): Promise<User> {
  return change(parts, admin, id, "REACTIVATED", origin, (user) => {
    user.deactivatedAt = null;
    user.updatedAt = parts.now();
  });
}

/** @throws {AccountError} NOT_FOUND */
export async function endUserSessions(
  parts: AccountsParts,
  admin: Admin,
  id: string,
  origin: Origin,
): Promise<User> {
  return change(parts, admin, id, "SESSIONS_ENDED", origin, (user, em) => endSessions(em, user));
}

/** One change of one locked user with its event. */
function change(
  parts: AccountsParts,
  admin: Admin,
  id: string,
  type: AccountEventType,
  origin: Origin,
  apply: (user: User, em: EntityManager) => Promise<void> | void,
): Promise<User> {
  return parts.em.fork().transactional(async (em) => {
    const user = await lockById(em, id);
    await apply(user, em);
    await em.flush();
    await record(parts, em, type, { user, origin, actor: admin });
    return user;
  });
}

import type { EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Viewer } from "../model/sign-in.ts";
import type { User } from "../model/user.entity.ts";
import { lockForAdmin, lockUserById } from "../store/locks.ts";

/** An administrator who is signed in; null for the operator at the command line. */
export type Admin = Viewer | null;

/** What the user is told of each change. */
const MAILS = {
  ROLES_CHANGED: "roles-changed",
  DEACTIVATED: "account-deactivated",
  REACTIVATED: "account-reactivated",
  SESSIONS_ENDED: "sessions-ended",
} as const;

/**
 * One change of one locked user, with its event and its mail. Only an administrator who still is one, and has just given the
 * password, gets so far.
 * @throws {AccountError} UNAUTHENTICATED, FORBIDDEN, PASSWORD_REQUIRED, NOT_FOUND
 */
export function changeUser(
  deps: Dependencies,
  admin: Admin,
  id: string,
  type: keyof typeof MAILS,
  source: RequestSource,
  change: (user: User, em: EntityManager) => Promise<void> | void,
): Promise<User> {
  return deps.transaction(async (em) => {
    const user = admin ? await lockForAdmin(em, admin, id, deps.now()) : await lockUserById(em, id);
    await change(user, em);
    await deps.auditTrail.record(em, type, { user, source, actor: admin?.user ?? null });
    await deps.outbox.enqueue(em, MAILS[type], user);
    return user;
  });
}

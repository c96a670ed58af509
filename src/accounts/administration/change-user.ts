import type { EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import type { AccountEventType } from "../model/account-event.entity.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { User } from "../model/user.entity.ts";
import { lockUserById } from "../store/locks.ts";

/** An administrator; null for the operator at the command line. */
export type Admin = User | null;

/**
 * One change of one locked user, with its event.
 * @throws {AccountError} NOT_FOUND
 */
export function changeUser(
  deps: Dependencies,
  admin: Admin,
  id: string,
  type: AccountEventType,
  source: RequestSource,
  change: (user: User, em: EntityManager) => Promise<void> | void,
): Promise<User> {
  return deps.transaction(async (em) => {
    const user = await lockUserById(em, id);
    await change(user, em);
    await deps.auditTrail.record(em, type, { user, source, actor: admin });
    return user;
  });
}

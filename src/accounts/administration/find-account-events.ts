import type { Dependencies } from "../dependencies.ts";
import { AccountEvent } from "../model/account-event.entity.ts";
import type { Page, PageArgs } from "../model/page.ts";
import { findPage } from "../store/paging.ts";
import { findUser } from "./find-users.ts";

/**
 * What happened to an account, the latest first.
 * @throws {AccountError} BAD_USER_INPUT, NOT_FOUND
 */
export async function findAccountEvents(
  deps: Dependencies,
  userId: string,
  args: PageArgs,
): Promise<Page<AccountEvent>> {
  const user = await findUser(deps, userId, "userId");
  return findPage(
    deps.em.fork(),
    AccountEvent,
    { where: { user: user.id }, orderBy: { id: "desc" }, isKey: isEventId },
    args,
  );
}

/** A bigint of PostgreSQL has up to 19 digits, not all of them. */
function isEventId([id, ...more]: readonly unknown[]): boolean {
  return typeof id === "string" && /^\d{1,18}$/.test(id) && more.length === 0;
}

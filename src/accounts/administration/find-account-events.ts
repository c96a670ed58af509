import type { Dependencies } from "../dependencies.ts";
import { AccountEvent } from "../model/account-event.entity.ts";
import type { Page, PageArgs } from "../model/page.ts";
import { notFound } from "../rules/account-error.ts";
import { findPage } from "../store/paging.ts";
import { findById } from "../store/users.ts";

/**
 * What happened to an account, the latest first.
 * @throws {AccountError} BAD_USER_INPUT, NOT_FOUND
 */
export function findAccountEvents(
  deps: Dependencies,
  userId: string,
  args: PageArgs,
): Promise<Page<AccountEvent>> {
  const list = { where: { user: userId }, orderBy: { id: "desc" }, isKey: isEventId } as const;
  return deps.readAnywhere(async (em) => {
    if (!(await findById(em, userId))) throw notFound(userId, "userId");
    return findPage(em, AccountEvent, list, args);
  });
}

/** A bigint of PostgreSQL has up to 19 digits, not all of them. */
function isEventId([id, ...more]: readonly unknown[]): boolean {
  return typeof id === "string" && /^\d{1,18}$/.test(id) && more.length === 0;
}

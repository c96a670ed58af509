import { AccountEvent } from "../model/account-event.entity.ts";
import { readCursor, pageOf, type Page, type PageArgs } from "../store/paging.ts";
import type { Dependencies } from "../dependencies.ts";
import { user } from "./list-users.ts";

/**
 * What happened to an account, the latest first.
 * @throws {AccountError} BAD_USER_INPUT, NOT_FOUND
 */
export async function accountEvents(
  deps: Dependencies,
  userId: string,
  args: PageArgs,
): Promise<Page<AccountEvent>> {
  const { id } = await user(deps, userId, "userId");
  const after = readCursor(
    args,
    (value): value is string => typeof value === "string" && /^\d{1,18}$/.test(value),
  );
  const found = await deps.em
    .fork()
    .find(
      AccountEvent,
      { user: id, ...(after !== null && { id: { $lt: after } }) },
      { orderBy: { id: "desc" }, limit: args.first + 1 },
    );
  return pageOf(found, args, (event) => event.id);
}

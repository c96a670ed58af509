import type { Dependencies } from "../dependencies.ts";
import type { Page, PageArgs } from "../model/page.ts";
import { User } from "../model/user.entity.ts";
import { AccountError, notFound } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { foldCase } from "../rules/fold-case.ts";
import { findPage } from "../store/paging.ts";
import { findById, findByName, UUID } from "../store/users.ts";

/**
 * Users in the order of their registration.
 * @param args.search the beginning of usernames or email addresses
 * @throws {AccountError} BAD_USER_INPUT
 */
export async function findUsers(
  deps: Dependencies,
  { search = "", ...args }: PageArgs & { search?: string },
): Promise<Page<User>> {
  checkArguments({ search });
  const prefix = { $like: `${foldCase(search).replace(/[\\%_]/g, "\\$&")}%` };
  const where = search === "" ? {} : { $or: [{ usernameKey: prefix }, { emailKey: prefix }] };
  const list = { where, orderBy: { createdAt: "asc", id: "asc" }, isKey: isTimeAndId } as const;
  return deps.readAnywhere((em) => findPage(em, User, list, args));
}

/** PostgreSQL's times do not reach as far as JavaScript's. */
function isTimeAndId([createdAt, id, ...more]: readonly unknown[]): boolean {
  if (typeof createdAt !== "string" || typeof id !== "string" || more.length > 0) return false;
  return /^[1-9]\d{3}-/.test(createdAt) && !Number.isNaN(Date.parse(createdAt)) && UUID.test(id);
}

/** @throws {AccountError} NOT_FOUND */
export async function findUser(deps: Dependencies, id: string): Promise<User> {
  const found = await findById(deps.em, id);
  if (!found) throw notFound(id, "id");
  return found;
}

/**
 * By username or email address.
 * @throws {AccountError} BAD_USER_INPUT, NOT_FOUND
 */
export async function findUserByName(deps: Dependencies, name: string): Promise<User> {
  checkArguments({ name });
  const found = await findByName(deps.em, name);
  if (!found)
    throw new AccountError("NOT_FOUND", `No account has the username or email address ${name}.`, {
      field: "name",
    });
  return found;
}

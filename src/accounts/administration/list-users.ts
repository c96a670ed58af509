import type { FilterQuery } from "@mikro-orm/postgresql";

import { AccountError, notFound } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { foldCase } from "../rules/fold-case.ts";
import { readCursor, pageOf, type Page, type PageArgs } from "../store/paging.ts";
import type { Dependencies } from "../dependencies.ts";
import { User } from "../model/user.entity.ts";
import { findByName, UUID } from "../store/users.ts";

/**
 * Users in the order of their registration.
 * @param search the beginning of usernames or addresses
 * @throws {AccountError} BAD_USER_INPUT
 */
export async function users(deps: Dependencies, args: PageArgs & { search?: string }): Promise<Page<User>> {
  checkArguments({ search: args.search ?? "" });
  const after = readCursor(args, isUserKey);
  const conditions: FilterQuery<User>[] = [];
  if (after) {
    const [createdAt, id] = [new Date(after[0]), after[1]];
    conditions.push({ $or: [{ createdAt: { $gt: createdAt } }, { createdAt, id: { $gt: id } }] });
  }
  if (args.search) {
    const prefix = { $like: `${foldCase(args.search).replace(/[\\%_]/g, "\\$&")}%` };
    conditions.push({ $or: [{ usernameKey: prefix }, { emailKey: prefix }] });
  }
  const found = await deps.em
    .fork()
    .find(User, { $and: conditions }, { orderBy: { createdAt: "asc", id: "asc" }, limit: args.first + 1 });
  return pageOf(found, args, ({ createdAt, id }) => [createdAt.toISOString(), id]);
}

/** What PostgreSQL can compare with: not every time of JavaScript is one of its times. */
function isUserKey(value: unknown): value is [createdAt: string, id: string] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [createdAt, id] = value as unknown[];
  if (typeof createdAt !== "string" || typeof id !== "string") return false;
  return /^[1-9]\d{3}-/.test(createdAt) && !Number.isNaN(Date.parse(createdAt)) && UUID.test(id);
}

/** @throws {AccountError} NOT_FOUND */
export async function user(deps: Dependencies, id: string, field = "id"): Promise<User> {
  const found = UUID.test(id) ? await deps.em.fork().findOne(User, { id }) : null;
  if (!found) throw notFound(id, field);
  return found;
}

/**
 * By username or address.
 * @throws {AccountError} BAD_USER_INPUT, NOT_FOUND
 */
export async function userByName(deps: Dependencies, name: string): Promise<User> {
  checkArguments({ name });
  const found = await findByName(deps.em, name);
  if (!found)
    throw new AccountError("NOT_FOUND", `No account has the name or address ${name}.`, { field: "name" });
  return found;
}

// Pages of long lists by keyset: a page begins after the last row of the one before, whatever came or went meanwhile, and costs
// the same however far down it is.
import {
  Cursor,
  type EntityManager,
  type EntityName,
  type FilterQuery,
  type FindByCursorOptions,
} from "@mikro-orm/postgresql";

import { PAGE_MAX, type Page, type PageArgs } from "../model/page.ts";
import { AccountError } from "../rules/account-error.ts";

/**
 * @param list.isKey whether a cursor's values can be compared with those that the list is ordered by: cursors come from outside,
 *   and not every text is a time or a number to PostgreSQL
 * @throws {AccountError} BAD_USER_INPUT for a bad `first` or `after`
 */
export async function findPage<Item extends object>(
  em: EntityManager,
  entity: EntityName<Item>,
  list: {
    where: FilterQuery<NoInfer<Item>>;
    orderBy: NonNullable<FindByCursorOptions<NoInfer<Item>>["orderBy"]>;
    isKey: (values: readonly unknown[]) => boolean;
  },
  { first, after }: PageArgs,
): Promise<Page<Item>> {
  if (first < 1 || first > PAGE_MAX) throw badInput("first", `Use a number from 1 to ${PAGE_MAX}.`);
  if (after !== undefined && !list.isKey(valuesOf(after)))
    throw badInput("after", "Use a cursor of this list, from pageInfo.endCursor.");
  const found = await em.findByCursor(entity, {
    where: list.where,
    orderBy: list.orderBy,
    first,
    ...(after !== undefined && { after }),
    includeCount: false,
  });
  return {
    edges: found.items.map((node) => ({ cursor: found.from(node), node })),
    hasNextPage: found.hasNextPage,
  };
}

/** Empty for a text that never was a cursor. */
function valuesOf(cursor: string): readonly unknown[] {
  try {
    const values: unknown = Cursor.decode(cursor);
    return Array.isArray(values) ? values : [];
  } catch {
    return [];
  }
}

function badInput(field: string, message: string): AccountError {
  return new AccountError("BAD_USER_INPUT", `${field}: ${message}`, { fields: [{ field, message }] });
}

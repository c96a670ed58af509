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
  args: PageArgs,
): Promise<Page<Item>> {
  checkPage(args, list.isKey);
  const { first, after } = args;
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

/**
 * For a list that is not of entities.
 * @param read yields at most `first` items after the values of a cursor, in the list's order
 * @param valuesOf an item's, for its cursor
 * @throws {AccountError} BAD_USER_INPUT for a bad `first` or `after`
 */
export async function readPage<Item, Values extends readonly unknown[]>(
  list: {
    read: (first: number, after: Values | undefined) => Promise<readonly Item[]>;
    valuesOf: (item: Item) => Values;
    isKey: (values: readonly unknown[]) => values is Values;
  },
  args: PageArgs,
): Promise<Page<Item>> {
  const after = checkPage(args, list.isKey);
  const items = await list.read(args.first + 1, after as Values | undefined);
  return {
    edges: items
      .slice(0, args.first)
      .map((node) => ({ cursor: Cursor.encode([...list.valuesOf(node)]), node })),
    hasNextPage: items.length > args.first,
  };
}

/**
 * @returns the values of the cursor, if there is one
 * @throws {AccountError} BAD_USER_INPUT
 */
function checkPage(
  { first, after }: PageArgs,
  isKey: (values: readonly unknown[]) => boolean,
): readonly unknown[] | undefined {
  if (first < 1 || first > PAGE_MAX) throw badInput("first", `Use a number from 1 to ${PAGE_MAX}.`);
  if (after === undefined) return undefined;
  const values = valuesOf(after);
  if (!isKey(values)) throw badInput("after", "Use a cursor of this list, from pageInfo.endCursor.");
  return values;
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

// Pages of long lists by keyset: a page begins after the last row of the one before, whatever came or went meanwhile, and
// costs the same however far down it is.
import { AccountError } from "../rules/account-error.ts";

export interface PageArgs {
  /** How many at most, 1 to 100. */
  readonly first: number;
  /** The cursor of the last one seen. */
  readonly after?: string;
}

export interface Page<Item> {
  readonly edges: readonly { readonly cursor: string; readonly node: Item }[];
  readonly hasNextPage: boolean;
}

const FIRST_MAX = 100;

/**
 * What the cursor was made of; null without one.
 * @throws {AccountError} BAD_USER_INPUT also for a bad `first`
 */
export function readCursor<Key>(
  { first, after }: PageArgs,
  isKey: (value: unknown) => value is Key,
): Key | null {
  if (first < 1 || first > FIRST_MAX) throw badInput("first", `Give a number from 1 to ${FIRST_MAX}.`);
  if (after === undefined) return null;
  try {
    const value: unknown = JSON.parse(Buffer.from(after, "base64url").toString());
    if (isKey(value)) return value;
  } catch {
    // No JSON: no cursor of ours.
  }
  throw badInput("after", "Give a cursor of this list, from pageInfo.endCursor.");
}

/** @param found one more than asked for, if there are more */
export function pageOf<Item>(
  found: readonly Item[],
  { first }: PageArgs,
  keyOf: (item: Item) => unknown,
): Page<Item> {
  const cursor = (item: Item) => Buffer.from(JSON.stringify(keyOf(item))).toString("base64url");
  return {
    edges: found.slice(0, first).map((node) => ({ cursor: cursor(node), node })),
    hasNextPage: found.length > first,
  };
}

function badInput(field: string, message: string): AccountError {
  return new AccountError("BAD_USER_INPUT", `${field}: ${message}`, { fields: [{ field, message }] });
}

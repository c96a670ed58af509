// The operator's commands that show users, their sessions and what happened to them. They change nothing.
import type { AccountEvent } from "../../accounts/model/account-event.entity.ts";
import { stateOf } from "../../accounts/model/account-state.ts";
import { deviceOf } from "../../accounts/model/device.ts";
import { PAGE_MAX } from "../../accounts/model/page.ts";
import type { Session } from "../../accounts/model/session.entity.ts";
import type { User } from "../../accounts/model/user.entity.ts";
import type { Opened } from "../../app/operator-accounts.ts";
import { itemsOf, printFacts, printRows, type Column, type Output } from "./table.ts";

const userColumns = (now: Date): readonly Column<User>[] => [
  { name: "registered", width: 24, value: ({ createdAt }) => createdAt },
  { name: "state", width: 11, value: (user) => stateOf(user, now) },
  { name: "roles", width: 10, value: ({ roles }) => roles },
  { name: "username", width: 32, value: ({ username }) => username },
  { name: "email", width: 0, value: ({ email }) => email },
];

/** What `show` tells besides. */
const moreColumns: readonly Column<User>[] = [
  { name: "id", width: 0, value: ({ id }) => id },
  { name: "language", width: 0, value: ({ locale }) => locale },
  { name: "deactivated", width: 0, value: ({ deactivatedAt }) => deactivatedAt ?? null },
  { name: "erased at", width: 0, value: ({ eraseAt }) => eraseAt ?? null },
  { name: "former username", width: 0, value: ({ formerUsername }) => formerUsername ?? null },
];

const SESSION_COLUMNS: readonly Column<Session>[] = [
  { name: "began", width: 24, value: ({ createdAt }) => createdAt },
  { name: "last used", width: 24, value: ({ lastUsedAt }) => lastUsedAt },
  { name: "expires", width: 24, value: ({ expiresAt }) => expiresAt },
  { name: "address", width: 15, value: ({ ip }) => ip ?? null },
  { name: "device", width: 0, value: ({ userAgent }) => deviceOf(userAgent) },
];

const EVENT_COLUMNS: readonly Column<AccountEvent>[] = [
  { name: "time", width: 24, value: ({ occurredAt }) => occurredAt },
  { name: "event", width: 24, value: ({ type }) => type },
  { name: "count", width: 5, value: ({ count }) => count },
  { name: "actor", width: 8, value: ({ actor }) => actor },
  { name: "address", width: 15, value: ({ ip }) => ip ?? null },
  { name: "device", width: 0, value: ({ userAgent }) => deviceOf(userAgent) },
];

/** Prints the users whose username or email address begins with `search`, or all users. */
export async function list(
  { accounts, now }: Opened,
  { search, ...output }: Output & { search?: string },
): Promise<void> {
  const users = itemsOf((after) =>
    accounts.findUsers({ first: PAGE_MAX, ...after, ...(search !== undefined && { search }) }),
  );
  await printRows(users, userColumns(now()), output);
}

/** @throws {Error} if there is no such user */
export async function show({ accounts, now }: Opened, name: string, output: Output): Promise<void> {
  const user = await accounts.findUserByName(name);
  printFacts(user, [...userColumns(now()), ...moreColumns], output);
}

/** @throws {Error} if there is no such user */
export async function sessions({ accounts }: Opened, name: string, output: Output): Promise<void> {
  const user = await accounts.findUserByName(name);
  await printRows(await accounts.listSessions({ user }), SESSION_COLUMNS, output);
}

/**
 * Prints the audit trail of a user, newest first.
 * @throws {Error} if there is no such user
 */
export async function events({ accounts }: Opened, name: string, output: Output): Promise<void> {
  const { id } = await accounts.findUserByName(name);
  const found = itemsOf((after) => accounts.findAccountEvents(id, { first: PAGE_MAX, ...after }));
  await printRows(found, EVENT_COLUMNS, output);
}

// Finds and writes users. Users found here are read-only, because no EntityManager knows them. To change a user, lock it first
// (locks.ts).
import type { EntityManager } from "@mikro-orm/postgresql";

import { CONFIRMABLE_DAYS } from "../model/account-state.ts";
import type { User } from "../model/user.entity.ts";
import { foldCase } from "../rules/fold-case.ts";
import type { TokenSubject } from "../tokens.ts";
import { insertEvent, type EventValues } from "./audit-trail.ts";
import { batched, run, statement, type Statement } from "./statement.ts";
import { USER_COLUMNS, userColumns, userOf, type UserRow } from "./user-row.ts";

/** PostgreSQL refuses to compare a uuid with anything else. */
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const BY_EMAIL = statement<{ key: string }, UserRow>(
  "user-by-email",
  `select ${userColumns("u")} from accounts.users u where email_key = :key order by is_active desc limit 1`,
);
const BY_USERNAME = statement<{ key: string }, UserRow>(
  "user-by-username",
  `select ${userColumns("u")} from accounts.users u where username_key = :key`,
);
const BY_IDS = statement<{ ids: readonly string[] }, UserRow>(
  "users-by-id",
  `select ${userColumns("u")} from accounts.users u where id = any(:ids)`,
);

export async function findById(em: EntityManager, id: string): Promise<User | null> {
  const [row] = UUID.test(id) ? await run(em, BY_IDS, { ids: [id] }) : [];
  return row ? userOf(row) : null;
}

/** An email address may have a pending account beside the active one; the active one is found. */
export function findByEmail(em: EntityManager, email: string): Promise<User | null> {
  return findUser(em, BY_EMAIL, foldCase(email));
}

/** @param name a username or an email address */
export function findByName(em: EntityManager, name: string): Promise<User | null> {
  return findUser(em, name.includes("@") ? BY_EMAIL : BY_USERNAME, foldCase(name));
}

async function findUser(
  em: EntityManager,
  byKey: Statement<{ key: string }, UserRow>,
  key: string,
): Promise<User | null> {
  const [row] = await run(em, byKey, { key });
  return row ? userOf(row) : null;
}

/** Finds by id; concurrent look-ups are one query. */
export function usersById(em: EntityManager): (id: string) => Promise<User | null> {
  return batched(async (ids) => {
    const rows = await run(em, BY_IDS, { ids });
    return new Map(rows.map((row) => [row.id, userOf(row)]));
  });
}

type Inserted = Exclude<keyof typeof USER_COLUMNS, "usernameKey" | "emailKey">;
/** PostgreSQL generates the two keys. */
const INSERTED = Object.keys(USER_COLUMNS).filter(
  (name) => name !== "usernameKey" && name !== "emailKey",
) as Inserted[];
const INSERTED_COLUMNS = INSERTED.map((name) => USER_COLUMNS[name]).join(", ");

const INSERT = statement<EventValues & Pick<User, Inserted> & { replaced: readonly string[] }>(
  "insert-user",
  // Reading `replaced` makes the DELETE run before the INSERT, which would otherwise hit the unique indexes.
  `with replaced as (
     delete from accounts.users where id = any(:replaced) returning id
   ), account as (
     insert into accounts.users (${INSERTED_COLUMNS})
     select ${INSERTED.map((name) => `:${name}`).join(", ")} from (select count(*) from replaced) as no_longer
     on conflict (id) do update set ${INSERTED.map((name) => `${USER_COLUMNS[name]} = excluded.${USER_COLUMNS[name]}`).join(", ")}
     returning id
   )
   ${insertEvent("account")}`,
);

/**
 * Adds a new account in the place of others, or writes over the one with its id, and adds its event. Under HIDE_ACCOUNT_EXISTENCE
 * the same statement runs whatever account the email address has.
 */
export async function insertUser(
  em: EntityManager,
  user: User,
  replaced: readonly User[],
  event: EventValues,
): Promise<void> {
  await run(em, INSERT, { ...insertedOf(user), ...event, replaced: replaced.map(({ id }) => id) });
}

const INSERT_MANY = statement<{ rows: string }, { id: string }>(
  "insert-users",
  `insert into accounts.users (${INSERTED_COLUMNS})
   select ${INSERTED_COLUMNS} from json_populate_recordset(null::accounts.users, :rows)
   on conflict do nothing returning id`,
);

/** @returns the ids of those whose names were not taken */
export async function insertUsers(em: EntityManager, users: readonly User[]): Promise<Set<string>> {
  const rows = users.map((user) =>
    Object.fromEntries(Object.entries(insertedOf(user)).map(([name, value]) => [columnOf(name), value])),
  );
  const inserted = await run(em, INSERT_MANY, { rows: JSON.stringify(rows) });
  return new Set(inserted.map(({ id }) => id));
}

const columnOf = (name: string) => USER_COLUMNS[name as Inserted];

function insertedOf(user: User): Pick<User, Inserted> {
  return Object.fromEntries(INSERTED.map((name) => [name, user[name] ?? null])) as unknown as Pick<
    User,
    Inserted
  >;
}

const SAMPLE_PASSWORD_HASHES = statement<object, { hash: string }>(
  "sample-password-hashes",
  // Format and parameters are in the first three parts; the third of a hash that is not argon2's is its salt.
  `select min(password_hash collate "C") as hash from accounts.users
   group by split_part(password_hash, '$', 2), split_part(password_hash, '$', 3),
     case when password_hash like '$argon2%' then split_part(password_hash, '$', 4) end
   order by count(*) desc`,
);

/** A password hash of each format and parameters, those of most users first. Reads the whole table. */
export async function samplePasswordHashes(em: EntityManager): Promise<string[]> {
  return (await run(em, SAMPLE_PASSWORD_HASHES, {})).map(({ hash }) => hash);
}

const REPLACE_PASSWORD_HASH = statement<{ id: string; oldHash: string; newHash: string }>(
  "replace-password-hash",
  "update accounts.users set password_hash = :newHash where id = :id and password_hash = :oldHash",
);

/**
 * Replaces the password hash, unless somebody else has since `user` was read. `user` keeps the old one: an entity's change
 * would be written by the ORM, which puts values into the text of its statements.
 */
export async function replacePasswordHash(em: EntityManager, user: User, newHash: string): Promise<void> {
  await run(em, REPLACE_PASSWORD_HASH, { id: user.id, oldHash: user.passwordHash, newHash });
}

// Never shortens the time, which would void an older link before it expires. Only a new registration or an administrator changes
// `updated_at` of an account that waits, so requests for links cannot keep a username or an email address for ever.
const WAIT_UNTIL = `confirmation_expires_at = greatest(
  confirmation_expires_at, least(:expiresAt, updated_at + interval '${CONFIRMABLE_DAYS} days'))`;

const EXTEND_CONFIRMATION = statement<
  { id: string; credentialVersion: number; expiresAt: Date },
  { confirmation_expires_at: string }
>(
  "extend-confirmation",
  // Only while no other account has confirmed the email address.
  `update accounts.users as pending set ${WAIT_UNTIL}
   where id = :id and credential_version = :credentialVersion and not is_active
     and not exists (select from accounts.users where email_key = pending.email_key and is_active)
   returning confirmation_expires_at`,
);
const EXTEND_BY_EMAIL = statement<{ key: string; expiresAt: Date }>(
  "extend-confirmation-by-email",
  `update accounts.users set ${WAIT_UNTIL} where email_key = :key and not is_active`,
);

/**
 * Lets `user` wait for its confirmation until `expiresAt`, or for as long as an account can be confirmed.
 * @returns until when it waits now; null if it no longer does
 */
export async function extendConfirmation(
  em: EntityManager,
  user: User,
  expiresAt: Date,
): Promise<Date | null> {
  const { id, credentialVersion } = user;
  const [row] = await run(em, EXTEND_CONFIRMATION, { id, credentialVersion, expiresAt });
  return row ? new Date(row.confirmation_expires_at) : null;
}

/** As `extendConfirmation`, for the account of an email address that waits, if there is one. */
export async function extendConfirmationOf(em: EntityManager, email: string, expiresAt: Date): Promise<void> {
  await run(em, EXTEND_BY_EMAIL, { key: foldCase(email), expiresAt });
}

const END_ALL_TOKENS = statement<EventValues, { count: number }>(
  "end-all-tokens",
  `with account as (
     update accounts.users set credential_version = credential_version + 1 returning id
   ), event as (
     ${insertEvent("account")}
   )
   select count(*)::int as count from account`,
);

/**
 * Voids every token of every user, and adds the event to each account.
 * @returns how many accounts there are
 */
export async function endAllTokens(em: EntityManager, event: EventValues): Promise<number> {
  const [row] = await run(em, END_ALL_TOKENS, event);
  return row?.count ?? 0;
}

/** What a token of this user is bound to. */
export const subjectOf = (user: User): TokenSubject => ({
  userId: user.id,
  credentialVersion: user.credentialVersion,
});

export const isBoundTo = (subject: TokenSubject, user: User) =>
  subject.credentialVersion === user.credentialVersion;

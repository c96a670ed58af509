// The writes that carry a password hash. MikroORM puts every value into the text of its statements, which a
// database's log may keep; bound parameters stay out of it.
import type { EntityManager } from "@mikro-orm/postgresql";

import { prepared } from "./statement.ts";
import { INSERT_EVENT } from "./audit-trail.ts";
import { User, type Role } from "../model/user.entity.ts";

interface Tables {
  "accounts.users": {
    id: string;
    username: string;
    email: string;
    password_hash: string;
    locale: string;
    roles: Role[];
    is_active: boolean;
    confirmation_expires_at: Date | null;
    credential_version: number;
    created_at: Date;
    updated_at: Date;
  };
}

/** As the ORM's connections read it: times as text. */
export interface UserRow {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly username_key: string;
  readonly email_key: string;
  readonly password_hash: string;
  readonly locale: string;
  readonly roles: Role[];
  readonly is_active: boolean;
  readonly confirmation_expires_at: string | null;
  readonly credential_version: number;
  readonly deactivated_at: string | null;
  readonly erase_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A user to look at, unknown to any entity manager. */
export function userOf(row: UserRow): User {
  // A literal, because the ORM's setters would give each object accessors of its own: 4 kB that live as long as the heap lets
  // them.
  const user = {
    __proto__: User.prototype,
    id: row.id,
    username: row.username,
    email: row.email,
    usernameKey: row.username_key,
    emailKey: row.email_key,
    passwordHash: row.password_hash,
    locale: row.locale,
    roles: row.roles,
    isActive: row.is_active,
    confirmationExpiresAt: dateOf(row.confirmation_expires_at),
    credentialVersion: row.credential_version,
    deactivatedAt: dateOf(row.deactivated_at),
    eraseAt: dateOf(row.erase_at),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  } satisfies Partial<User> & { __proto__: User };
  return user as unknown as User;
}

const dateOf = (time: string | null) => (time === null ? null : new Date(time));

// The new row hangs on the count of those that it replaces, or it could come first and find its name taken.
const INSERT = {
  name: "insert-user",
  text: `
    with replaced as (
      delete from accounts.users where id = any($1) returning id
    ), account as (
      insert into accounts.users (id, username, email, password_hash, locale, roles, is_active, confirmation_expires_at,
        credential_version, created_at, updated_at)
      select $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 from (select count(*) from replaced) as no_longer
      returning id
    )
    ${INSERT_EVENT}
    select id, $13, $14, $15, $16, $17, $18 from account`,
};

/**
 * Adds the row of a new account in the place of others, and its first event, within the transaction of `em`. Deletes without
 * looking whether there is any: under HIDE_ACCOUNT_EXISTENCE the same statement runs whatever the address's account is.
 */
export async function insertUser(
  em: EntityManager,
  user: User,
  replaced: readonly User[],
  event: readonly unknown[],
): Promise<void> {
  await prepared(em, INSERT, [replaced.map(({ id }) => id), ...Object.values(row(user)), ...event]);
}

/**
 * Adds many in one statement, within the transaction of `em`.
 * @returns the ids of those whose names were not taken
 */
export async function insertUsers(em: EntityManager, users: readonly User[]): Promise<Set<string>> {
  if (users.length === 0) return new Set();
  const inserted = await em
    .getKysely<Tables>()
    .insertInto("accounts.users")
    .values(users.map(row))
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .execute();
  return new Set(inserted.map(({ id }) => id));
}

/** In the order of INSERT. */
function row(user: User): Tables["accounts.users"] {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    password_hash: user.passwordHash,
    locale: user.locale,
    roles: user.roles,
    is_active: user.isActive,
    confirmation_expires_at: user.confirmationExpiresAt ?? null,
    credential_version: user.credentialVersion,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
  };
}

/** Replaces a hash, if it is still the one that `user` was read with. */
export async function replacePasswordHash(
  em: EntityManager,
  user: User,
  passwordHash: string,
): Promise<void> {
  await em
    .getKysely<Tables>()
    .updateTable("accounts.users")
    .set({ password_hash: passwordHash })
    .where("id", "=", user.id)
    .where("password_hash", "=", user.passwordHash)
    .execute();
}

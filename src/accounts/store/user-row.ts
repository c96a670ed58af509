// The one mapping between a row of the table `users` and a User, for statements; the ORM has its own, made from the entity.
// A column that is missing here does not compile, and a test compares the two.
import { User, type UserSchema } from "../model/user.entity.ts";

type Properties = InstanceType<typeof UserSchema.class>;
type Property = Extract<keyof Properties, string>;

/** The column of each property. */
export const USER_COLUMNS = {
  id: "id",
  username: "username",
  email: "email",
  usernameKey: "username_key",
  emailKey: "email_key",
  passwordHash: "password_hash",
  locale: "locale",
  roles: "roles",
  isActive: "is_active",
  confirmationExpiresAt: "confirmation_expires_at",
  isContested: "is_contested",
  registrationDevice: "registration_device",
  credentialVersion: "credential_version",
  deactivatedAt: "deactivated_at",
  eraseAt: "erase_at",
  formerUsername: "former_username",
  formerUsernameUntil: "former_username_until",
  createdAt: "created_at",
  updatedAt: "updated_at",
} as const satisfies Record<Property, string>;

/**
 * The columns for a SELECT. By name: with `*`, a connection's prepared statement would fail once a newer version's migration has
 * added a column.
 */
export const userColumns = (table: string) =>
  Object.values(USER_COLUMNS)
    .map((column) => `${table}.${column}`)
    .join(", ");

/** As the ORM's connections read it: times as text. */
export type UserRow = {
  readonly [Name in Property as (typeof USER_COLUMNS)[Name]]: AsRead<User[Name]>;
};
type AsRead<Value> = Value extends Date
  ? string
  : Value extends Date | null | undefined
    ? string | null
    : Value;

/** A read-only user: no EntityManager knows it, so changing it changes no row. */
export function userOf(row: UserRow): User {
  // A literal, because the ORM's setters would give each object accessors of its own: 4 kB each, until the next major GC.
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
    isContested: row.is_contested,
    registrationDevice: row.registration_device,
    credentialVersion: row.credential_version,
    deactivatedAt: dateOf(row.deactivated_at),
    eraseAt: dateOf(row.erase_at),
    formerUsername: row.former_username,
    formerUsernameUntil: dateOf(row.former_username_until),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  } satisfies Record<Property, unknown> & Partial<User> & { __proto__: User };
  return user as unknown as User;
}

const dateOf = (time: string | null) => (time === null ? null : new Date(time));

// How use cases find, lock and write a user.
import { createHash, randomUUID } from "node:crypto";

import { LockMode, UniqueConstraintViolationException, type EntityManager } from "@mikro-orm/postgresql";

import { AccountError, invalidToken, notFound, unauthenticated } from "../rules/account-error.ts";
import type { AccountMail, AccountMailName } from "../mails/account-mails.ts";
import { foldCase } from "../rules/fold-case.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { prepared, together, type Statement } from "./statement.ts";
import { record } from "./audit-trail.ts";
import type { TokenPurpose, TokenSubject } from "../tokens.ts";
import { Role, User } from "../model/user.entity.ts";
import { userOf, type UserRow } from "./user-rows.ts";

/** The only thing that register, resend... and request... say under HIDE_ACCOUNT_EXISTENCE. */
export const ONE_ANSWER = "If the request can be met, a mail with the next step is on its way.";

/** PostgreSQL refuses to compare an id with anything else. */
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const BY_EMAIL = {
  name: "user-by-email",
  text: "select * from accounts.users where email_key = $1 order by is_active desc limit 1",
};
const BY_USERNAME = {
  name: "user-by-username",
  text: "select * from accounts.users where username_key = $1",
};

const BY_ID = {
  name: "users-by-id",
  text: "select * from accounts.users where id = any($1)",
};

/** To look at. */
export function usersById(em: EntityManager): (id: string) => Promise<User | null> {
  return together(async (ids) => {
    const rows = await prepared<UserRow>(em, BY_ID, [ids]);
    return new Map(rows.map((row) => [row.id, userOf(row)]));
  });
}

/** To look at. An address may have a pending row beside the active one; the active one is the account. */
export function findByEmail(em: EntityManager, email: string): Promise<User | null> {
  return findUser(em, BY_EMAIL, foldCase(email));
}

/** To look at; by username or email address. */
export function findByName(em: EntityManager, name: string): Promise<User | null> {
  return findUser(em, name.includes("@") ? BY_EMAIL : BY_USERNAME, foldCase(name));
}

async function findUser(em: EntityManager, statement: Statement, key: string): Promise<User | null> {
  const [row] = await prepared<UserRow>(em, statement, [key]);
  return row ? userOf(row) : null;
}

/** @throws {AccountError} NOT_FOUND */
export async function lockById(em: EntityManager, id: string): Promise<User> {
  const user = UUID.test(id) ? await lock(em, id) : null;
  if (!user) throw notFound(id);
  return user;
}

/**
 * Locks the row first and checks it then: of two racing redemptions the second sees the moved version.
 * @throws {AccountError} INVALID_TOKEN
 */
export async function lockOwner(em: EntityManager, subject: TokenSubject, isActive: boolean): Promise<User> {
  const user = await lock(em, subject.userId);
  if (!user || !isBoundTo(subject, user) || user.isActive !== isActive || user.deactivatedAt)
    throw invalidToken();
  return user;
}

/**
 * Locks a signed-in user's row; whoever was signed out since the request began is refused.
 * @throws {AccountError} UNAUTHENTICATED
 */
export async function lockViewer(em: EntityManager, viewer: User): Promise<User> {
  const user = await lock(em, viewer.id);
  if (!user?.isUsable || user.credentialVersion !== viewer.credentialVersion) throw unauthenticated();
  return user;
}

export function lock(em: EntityManager, id: string): Promise<User | null> {
  return em.findOne(User, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

/** @throws {AccountError} INVALID_TOKEN */
export function readMailedToken(deps: Dependencies, purpose: TokenPurpose, token: string): TokenSubject {
  const subject = deps.tokens.read(purpose, token);
  if (!subject) throw invalidToken();
  return subject;
}

/**
 * That it is still the owner who sits at the device.
 * @throws {AccountError} INVALID_CREDENTIALS, SERVER_BUSY
 */
export async function confirmPassword(
  deps: Dependencies,
  viewer: User,
  field: "password" | "currentPassword",
  password: string,
  source: RequestSource,
): Promise<void> {
  if (await deps.passwords.verify(viewer.passwordHash, password)) return;
  await record(deps, deps.em, "PASSWORD_REFUSED", { user: viewer, source, actor: viewer });
  throw new AccountError("INVALID_CREDENTIALS", "The password is wrong.", { field });
}

/** Whoever takes the last administrator's rights away is refused; two at once wait for each other. */
export async function keepAnAdmin(em: EntityManager, user: User): Promise<void> {
  if (!user.roles.includes(Role.ADMIN) || !user.isUsable) return;
  await takeTurns(em, ["administrators"]);
  const others = await em.count(User, {
    id: { $ne: user.id },
    roles: { $contains: [Role.ADMIN] },
    isActive: true,
    deactivatedAt: null,
    eraseAt: null,
  });
  if (others === 0) {
    throw new AccountError(
      "LAST_ADMIN",
      `${user.username} is the last administrator: give another user the role first.`,
    );
  }
}

/** Those who name the same thing wait for each other until the end of the transaction. */
export async function takeTurns(em: EntityManager, names: string[]): Promise<void> {
  const keys = names.map((name) => createHash("sha256").update(name).digest().readBigInt64BE());
  const inOrder = keys.sort((a, b) => (a < b ? -1 : 1)); // or two of us could wait for each other
  await em.execute(`select ${inOrder.map((key) => `pg_advisory_xact_lock(${key})`).join(", ")}`);
}

/** What `work` comes to; if it meets a row that is unique, `refusal` instead. */
export async function unlessTaken<T>(work: Promise<T>, refusal: AccountError): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof UniqueConstraintViolationException ? refusal : error;
  }
}

/** Without a user (which only happens where existence is hidden) the job costs the same and the worker drops it. */
export function enqueueMail(
  deps: Dependencies,
  em: EntityManager,
  mail: AccountMailName,
  user: User | null,
  about: Pick<AccountMail, "emailChangeId"> = {},
): Promise<void> {
  const subject = user ? subjectOf(user) : { userId: randomUUID(), credentialVersion: 0 };
  return deps.mailQueue.enqueue(em, { mail, ...subject, ...about, requestedAt: deps.now().toISOString() });
}

export const subjectOf = (user: User): TokenSubject => ({
  userId: user.id,
  credentialVersion: user.credentialVersion,
});

export const isBoundTo = (subject: TokenSubject, user: User) =>
  subject.credentialVersion === user.credentialVersion;

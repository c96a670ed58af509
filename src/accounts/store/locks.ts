// Locks what a transaction is about to change. Each lock of a user's row has its own answer for a row that is not there, or not
// as expected:
//
//   lockUser         null
//   lockUserById     NOT_FOUND        the operator's change of somebody
//   lockForAdmin     NOT_FOUND        an administrator's change of somebody; locks the administrator, too
//   lockForAdminIfThere  null         an administrator's change of what is about somebody; the same
//   lockLinkOwner    INVALID_TOKEN    the redemption of a mailed link
//   lockViewer       UNAUTHENTICATED  a change by the signed-in user
import { createHash } from "node:crypto";

import { LockMode, UniqueConstraintViolationException, type EntityManager } from "@mikro-orm/postgresql";

import { answerTo, WHERE_ACTIVE } from "../model/account-state.ts";
import type { Viewer } from "../model/sign-in.ts";
import { Role, User } from "../model/user.entity.ts";
import {
  AccountError,
  forbidden,
  invalidToken,
  notFound,
  unauthenticated,
  usernameTaken,
} from "../rules/account-error.ts";
import { foldCase } from "../rules/fold-case.ts";
import type { TokenSubject } from "../tokens.ts";
import { run, statement } from "./statement.ts";
import { requireConfirmation } from "./step-up.ts";
import { isBoundTo, subjectOf, UUID } from "./users.ts";

export function lockUser(em: EntityManager, id: string): Promise<User | null> {
  return em.findOne(User, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

/** @throws {AccountError} NOT_FOUND */
export async function lockUserById(em: EntityManager, id: string): Promise<User> {
  const user = UUID.test(id) ? await lockUser(em, id) : null;
  if (!user) throw notFound(id);
  return user;
}

/**
 * Locks first and checks then: of two racing redemptions, the second sees that the credential version has moved on.
 * @throws {AccountError} INVALID_TOKEN
 */
export async function lockLinkOwner(
  em: EntityManager,
  subject: TokenSubject,
  operation: "finalizeRegistration" | "finalizeReset",
  now: () => Date,
): Promise<User> {
  const user = await lockUser(em, subject.userId);
  if (!user || !isBoundTo(subject, user) || answerTo(operation, user, now()) === "INVALID_TOKEN")
    throw invalidToken();
  return user;
}

/**
 * Refuses a user who was signed out since the request began.
 * @throws {AccountError} UNAUTHENTICATED
 */
export async function lockViewer(em: EntityManager, viewer: User, now: Date): Promise<User> {
  return stillSignedIn(await lockUser(em, viewer.id), viewer, now);
}

/** @throws {AccountError} UNAUTHENTICATED */
function stillSignedIn(locked: User | null | undefined, viewer: User, now: Date): User {
  if (!locked || !isBoundTo(subjectOf(viewer), locked) || answerTo("authenticate", locked, now) !== "OK")
    throw unauthenticated();
  return locked;
}

/**
 * Locks the user whom an administrator is about to change, and the administrator: only behind that lock is it certain that nobody
 * has taken the role or the session away since the request began. Both in one order, or two who change each other would deadlock.
 * @throws {AccountError} UNAUTHENTICATED, FORBIDDEN, PASSWORD_REQUIRED, NOT_FOUND
 */
export async function lockForAdmin(em: EntityManager, admin: Viewer, id: string, now: Date): Promise<User> {
  const user = await lockForAdminIfThere(em, admin, id, now);
  if (!user) throw notFound(id);
  return user;
}

/**
 * As lockForAdmin, for what is about a user who may be gone.
 * @param id null if nobody is known
 * @throws {AccountError} UNAUTHENTICATED, FORBIDDEN, PASSWORD_REQUIRED
 */
export async function lockForAdminIfThere(
  em: EntityManager,
  admin: Viewer,
  id: string | null,
  now: Date,
): Promise<User | null> {
  const locked = await lockUsers(em, id !== null && UUID.test(id) ? [admin.user.id, id] : [admin.user.id]);
  const actor = stillSignedIn(locked.get(admin.user.id), admin.user, now);
  if (!actor.roles.includes(Role.ADMIN)) throw forbidden();
  await requireConfirmation(em, admin.session, now);
  return id === null ? null : (locked.get(id.toLowerCase()) ?? null);
}

/** By id, in its order; those that are not there are left out. */
export async function lockUsers(em: EntityManager, ids: readonly string[]): Promise<Map<string, User>> {
  const locked = await em.find(
    User,
    { id: { $in: [...ids] } },
    { orderBy: { id: "asc" }, lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  return new Map(locked.map((user) => [user.id, user]));
}

/**
 * Refuses to take the rights of the last administrator away; two administrators who do it to each other at once take turns.
 * @throws {AccountError} LAST_ADMIN
 */
export async function keepAnAdmin(em: EntityManager, user: User, now: Date): Promise<void> {
  if (!user.roles.includes(Role.ADMIN) || answerTo("authenticate", user, now) !== "OK") return;
  await takeTurns(em, ["administrators"]);
  const others = await em.count(User, {
    id: { $ne: user.id },
    roles: { $contains: [Role.ADMIN] },
    ...WHERE_ACTIVE,
  });
  if (others === 0) {
    throw new AccountError(
      "LAST_ADMIN",
      `${user.username} is the last administrator. Give another user the role first.`,
    );
  }
}

/**
 * Refuses a username that somebody else has given up a short time ago. Take the username's turn first.
 * @throws {AccountError} USERNAME_TAKEN
 */
export async function refuseFormerUsername(
  em: EntityManager,
  username: string,
  taker: User,
  now: Date,
): Promise<void> {
  const keepers = await em.count(User, {
    id: { $ne: taker.id },
    formerUsername: foldCase(username),
    formerUsernameUntil: { $gt: now },
  });
  if (keepers > 0) throw usernameTaken(username);
}

export const usernameTurn = (username: string) => `username ${foldCase(username)}`;
export const emailTurn = (email: string) => `email ${foldCase(email)}`;

const TAKE_TURNS = statement<{ keys: readonly bigint[] }>(
  "take-turns",
  "select pg_advisory_xact_lock(key) from unnest(:keys::bigint[]) as key",
);

/** Transactions that name the same thing wait for each other, each until the other has ended. */
export async function takeTurns(em: EntityManager, names: readonly string[]): Promise<void> {
  const keys = names.map((name) => createHash("sha256").update(name).digest().readBigInt64BE());
  await run(em, TAKE_TURNS, { keys: keys.sort((a, b) => (a < b ? -1 : 1)) }); // in one order, against deadlocks
}

/** The result of `work`, or `refusal` if it violates a unique constraint. */
export async function unlessTaken<T>(work: Promise<T>, refusal: AccountError): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof UniqueConstraintViolationException ? refusal : error;
  }
}

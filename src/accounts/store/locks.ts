// Locks what a transaction is about to change. Each lock of a user's row has its own answer for a row that is not there, or not
// as expected:
//
//   lockUser         null
//   lockUserById     NOT_FOUND        an administrator's change of somebody
//   lockLinkOwner    INVALID_TOKEN    the redemption of a mailed link
//   lockViewer       UNAUTHENTICATED  a change by the signed-in user
import { createHash } from "node:crypto";

import { LockMode, UniqueConstraintViolationException, type EntityManager } from "@mikro-orm/postgresql";

import { answerTo, WHERE_ACTIVE } from "../model/account-state.ts";
import { Role, User } from "../model/user.entity.ts";
import { AccountError, invalidToken, notFound, unauthenticated } from "../rules/account-error.ts";
import { foldCase } from "../rules/fold-case.ts";
import type { TokenSubject } from "../tokens.ts";
import { run, statement } from "./statement.ts";
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
  const user = await lockUser(em, viewer.id);
  if (!user || !isBoundTo(subjectOf(viewer), user) || answerTo("authenticate", user, now) !== "OK")
    throw unauthenticated();
  return user;
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

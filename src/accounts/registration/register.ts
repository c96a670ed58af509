import { LockMode, type EntityManager } from "@mikro-orm/postgresql";

import { AccountError, usernameTaken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { foldCase } from "../rules/fold-case.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { eventValues } from "../store/audit-trail.ts";
import { User } from "../model/user.entity.ts";
import { insertUser } from "../store/user-rows.ts";
import { enqueueMail, ONE_ANSWER, takeTurns } from "../store/users.ts";

/**
 * Stores a pending account and enqueues its confirmation mail, both or neither.
 * @param args.locale of the mails to come, as a BCP 47 tag; an unknown one falls back to English
 * @param acceptedLocales asked where no locale is given, the preferred one first
 * @returns a message that names the user
 * @throws {AccountError} BAD_USER_INPUT, WEAK_PASSWORD, SERVER_BUSY, USERNAME_TAKEN, EMAIL_TAKEN
 */
export async function register(
  deps: Dependencies,
  args: { username: string; email: string; password: string; locale?: string },
  acceptedLocales: readonly string[],
  source: RequestSource,
): Promise<string> {
  checkArguments({ ...args }, ["username", "email"]);
  const locale = deps.pickLocale(args.locale === undefined ? acceptedLocales : [args.locale]);
  deps.passwords.checkStrength(args.password, args);
  const passwordHash = await deps.passwords.hash(args.password);
  await deps.em.fork().transactional(async (em) => {
    const user = User.create({
      username: args.username,
      email: args.email,
      passwordHash,
      locale,
      confirmationExpiresAt: deps.tokens.expiry("registration"),
      now: deps.now(),
    });
    await addAccount(deps, em, user, source);
    await enqueueMail(deps, em, "registration", user);
  });
  return deps.hideAccountExistence
    ? ONE_ANSWER
    : `A confirmation mail is on its way to user ${args.username}.`;
}

/**
 * Stores a new account in the place of pending ones; others of the same name or address wait until the end of the
 * transaction.
 * @throws {AccountError} USERNAME_TAKEN, EMAIL_TAKEN
 */
export async function addAccount(
  deps: Dependencies,
  em: EntityManager,
  user: User,
  source: RequestSource,
): Promise<void> {
  await takeTurns(em, [`username ${foldCase(user.username)}`, `email ${foldCase(user.email)}`]);
  const replaced = await replaceable(deps, em, user);
  await insertUser(em, user, replaced, eventValues(deps, "REGISTERED", { user, source, actor: null }));
}

/**
 * The pending accounts whose place this registration takes.
 * @throws {AccountError} USERNAME_TAKEN, EMAIL_TAKEN
 */
async function replaceable(
  { now, hideAccountExistence }: Dependencies,
  em: EntityManager,
  args: { username: string; email: string },
): Promise<User[]> {
  const usernameKey = foldCase(args.username);
  const emailKey = foldCase(args.email);
  // Locked, so that none of them is activated meanwhile; in one order, so that two of us cannot deadlock.
  const found = await em.find(
    User,
    { $or: [{ usernameKey }, { emailKey }] },
    { orderBy: { id: "asc" }, lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  // Where existence is hidden, whoever owns the mailbox decides, so an address's pending row always gives way.
  const isReplaceable = (user: User) =>
    user.isExpiredAt(now()) || (hideAccountExistence && !user.isActive && user.emailKey === emailKey);
  const kept = found.filter((user) => !isReplaceable(user));
  if (kept.some((user) => user.usernameKey === usernameKey)) throw usernameTaken(args.username);
  const holders = kept.filter((user) => user.emailKey === emailKey);
  if (holders.length > 0 && !hideAccountExistence) {
    const message = holders.some((user) => user.isActive)
      ? `An account with the address ${args.email} exists already: log in, or reset its password.`
      : `The address ${args.email} waits for its confirmation: use the link in the mail, or have it sent again with resendRegistration.`;
    throw new AccountError("EMAIL_TAKEN", message, { field: "email" });
  }
  return found.filter(isReplaceable);
}

import type { EntityManager } from "@mikro-orm/postgresql";

import { AccountError, invalidToken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import { foldCase } from "../rules/fold-case.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { endSessions, openSession, type SignIn, type Viewer } from "../store/sessions.ts";
import type { TokenSubject } from "../tokens.ts";
import { User } from "../model/user.entity.ts";
import {
  confirmPassword,
  enqueueMail,
  isBoundTo,
  lock,
  lockViewer,
  ONE_ANSWER,
  unlessTaken,
} from "../store/users.ts";

/**
 * Mails a link to the new address; the address changes when it is used. Older links stay good until one is used.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, EMAIL_TAKEN, SERVER_BUSY, UNAUTHENTICATED
 */
export async function requestEmailChange(
  deps: Dependencies,
  viewer: Viewer,
  newEmail: string,
  password: string,
  source: RequestSource,
): Promise<string> {
  checkArguments({ newEmail, password }, ["newEmail"]);
  await confirmPassword(deps, viewer.user, "password", password, source);
  await deps.em.fork().transactional(async (em) => {
    const user = await lockViewer(em, viewer.user);
    // Where existence is hidden, the worker looks, and tells the address's owner instead.
    if (!deps.hideAccountExistence && (await isInUse(deps, em, newEmail, user)))
      throw emailTaken(newEmail, "newEmail");
    const change = EmailChange.of(user, { newEmail, isUndo: false, now: deps.now() });
    await em.insert(change);
    await record(deps, em, "EMAIL_CHANGE_REQUESTED", { user, source, actor: user });
    await enqueueMail(deps, em, "email-change", user, { emailChangeId: change.id });
  });
  return deps.hideAccountExistence
    ? ONE_ANSWER
    : `A mail to confirm the address is on its way to ${newEmail}.`;
}

/**
 * Changes the address to the one that the mailed token was sent to, ends every older access token and link, tells the
 * old address, and signs in. With the token of that notice it changes back, and ends every session.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN, EMAIL_TAKEN
 */
export async function finalizeEmailChange(
  deps: Dependencies,
  token: string,
  source: RequestSource,
): Promise<SignIn> {
  checkArguments({ token });
  const subject = deps.tokens.read("email-change", token) ?? deps.tokens.read("email-undo", token);
  if (!subject) throw invalidToken();
  return deps.em.fork().transactional(async (em) => {
    const { user, change } = await lockChange(em, subject);
    const wasDeleted = user.eraseAt !== null;
    user.email = change.newEmail;
    user.eraseAt = null; // by an undo; a deletion ends the other links
    user.endOlderTokens(deps.now());
    await unlessTaken(em.flush(), emailTaken(change.newEmail, "token"));
    if (change.isUndo) {
      // Whoever changed the address has the password, a session, or the undo of a later change: none is to help again. The
      // undo of an earlier change is another's, whose address it was before.
      const since = { requestedAt: { $gte: change.requestedAt } };
      await em.nativeDelete(EmailChange, { user: user.id, $or: [{ isUndo: false }, since] });
      await endSessions(em, user);
      if (wasDeleted) await record(deps, em, "RESTORED", { user, source, actor: user });
    } else {
      await em.nativeDelete(EmailChange, { user: user.id, isUndo: false });
      await announce(deps, em, user, change);
    }
    return openSession(deps, em, user, change.isUndo ? "EMAIL_CHANGE_UNDONE" : "EMAIL_CHANGED", source);
  });
}

/** Locks the user, then checks: of two racing links the second finds its change gone. */
async function lockChange(
  em: EntityManager,
  subject: TokenSubject,
): Promise<{ user: User; change: EmailChange }> {
  if (subject.reference === undefined) throw invalidToken();
  const user = await lock(em, subject.userId);
  const change = await em.findOne(EmailChange, { id: subject.reference, user: subject.userId });
  if (!user?.isActive || user.deactivatedAt || !change) throw invalidToken();
  // An undo outlives what an intruder does next; a change is good only for the state in which it was asked for.
  if (!change.isUndo && !(isBoundTo(subject, user) && change.oldEmail === user.email)) throw invalidToken();
  return { user, change };
}

/** Tells the old address, with the change back as the way to undo it. */
async function announce(
  deps: Dependencies,
  em: EntityManager,
  user: User,
  { oldEmail }: EmailChange,
): Promise<void> {
  const undo = EmailChange.of(user, { newEmail: oldEmail, isUndo: true, now: deps.now() });
  await em.insert(undo);
  await enqueueMail(deps, em, "email-changed", user, { emailChangeId: undo.id });
}

/** One's own address is free in another case. */
async function isInUse(
  { now }: Dependencies,
  em: EntityManager,
  email: string,
  viewer: User,
): Promise<boolean> {
  const found = await em.find(User, { emailKey: foldCase(email) });
  return email === viewer.email || found.some((user) => user.id !== viewer.id && !user.isExpiredAt(now()));
}

function emailTaken(email: string, field: "newEmail" | "token"): AccountError {
  return new AccountError("EMAIL_TAKEN", `The address ${email} has an account already.`, { field });
}

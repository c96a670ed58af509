import type { EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { answerTo } from "../model/account-state.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { SignIn } from "../model/sign-in.ts";
import type { User } from "../model/user.entity.ts";
import { emailInUse, invalidToken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { lockUser, unlessTaken } from "../store/locks.ts";
import { isBoundTo } from "../store/users.ts";
import type { TokenSubject } from "../tokens.ts";

/**
 * Changes the email address to the one that the mailed token was sent to, ends every older access token and link, tells the old
 * address, and signs in. The token of that notice changes it back and ends every session.
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
  return deps.transaction(async (em) => {
    const { user, change } = await lockChange(deps, em, subject);
    const wasDeleted = user.eraseAt !== null;
    user.email = change.newEmail;
    user.eraseAt = null; // only an undo finds it set
    user.endOlderTokens(deps.now());
    await unlessTaken(em.flush(), emailInUse(change.newEmail, "token"));
    if (change.isUndo) {
      await endWhatAnIntruderMayHold(deps, em, user, change);
      if (wasDeleted) await deps.auditTrail.record(em, "RESTORED", { user, source, actor: user });
      return deps.sessions.open(em, user, "EMAIL_CHANGE_UNDONE", source);
    }
    await em.nativeDelete(EmailChange, { user: user.id, isUndo: false });
    await tellOldAddress(deps, em, user, change);
    return deps.sessions.open(em, user, "EMAIL_CHANGED", source);
  });
}

/**
 * Locks the user first and checks then: of two racing links, the second finds its change gone.
 * @throws {AccountError} INVALID_TOKEN
 */
async function lockChange(
  { now }: Dependencies,
  em: EntityManager,
  subject: TokenSubject,
): Promise<{ user: User; change: EmailChange }> {
  if (subject.reference === undefined) throw invalidToken();
  const user = await lockUser(em, subject.userId);
  const change = await em.findOne(EmailChange, { id: subject.reference, user: subject.userId });
  if (!user || !change) throw invalidToken();
  const operation = change.isUndo ? "undoEmailChange" : "finalizeEmailChange";
  if (answerTo(operation, user, now()) === "INVALID_TOKEN") throw invalidToken();
  // An undo outlives what an intruder does next; a change is good only for the account as it was when the change was requested.
  if (!change.isUndo && !(isBoundTo(subject, user) && change.oldEmail === user.email)) throw invalidToken();
  return { user, change };
}

/**
 * Whoever changed the email address knows the password, holds a session, or holds the undo of a later change. None of these
 * is to help them again. The undo of an earlier change belongs to somebody else: whoever had the address before.
 */
async function endWhatAnIntruderMayHold(
  deps: Dependencies,
  em: EntityManager,
  user: User,
  undone: EmailChange,
): Promise<void> {
  const since = { requestedAt: { $gte: undone.requestedAt } };
  await em.nativeDelete(EmailChange, { user: user.id, $or: [{ isUndo: false }, since] });
  await deps.sessions.endAll(em, user);
}

/** With the change back as the way to undo it. */
async function tellOldAddress(
  deps: Dependencies,
  em: EntityManager,
  user: User,
  { oldEmail }: EmailChange,
): Promise<void> {
  const undo = EmailChange.of(user, { newEmail: oldEmail, isUndo: true, now: deps.now() });
  await em.insert(undo);
  await deps.outbox.enqueue(em, "email-changed", user, { emailChangeId: undo.id });
}

import type { EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { answerTo } from "../model/account-state.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { SignIn } from "../model/sign-in.ts";
import type { User } from "../model/user.entity.ts";
import { emailInUse, invalidToken } from "../rules/account-error.ts";
import { lockUser, unlessTaken } from "../store/locks.ts";
import type { TokenSubject } from "../tokens.ts";

/**
 * Gives an account its old email address back, ends every session, and signs in. The link is enough: it is the owner's last resort
 * against somebody who holds a session and the password. So nothing that such a thief can do ends it at once, neither a reset by
 * the new address nor the deletion of the account; endEmailChangeUndo takes days.
 * @throws {AccountError} INVALID_TOKEN, EMAIL_TAKEN
 */
export async function undoEmailChange(
  deps: Dependencies,
  subject: TokenSubject,
  source: RequestSource,
): Promise<SignIn> {
  return deps.transaction(async (em) => {
    const { user, undo } = await lockUndo(deps, em, subject);
    const wasDeleted = user.eraseAt !== null;
    user.email = undo.newEmail;
    user.eraseAt = null;
    user.endOlderTokens(deps.now());
    await unlessTaken(em.flush(), emailInUse(undo.newEmail, "token"));
    await endWhatAnIntruderMayHold(deps, em, user, undo);
    if (wasDeleted) await deps.auditTrail.record(em, "RESTORED", { user, source, actor: user });
    return deps.sessions.open(em, user, "EMAIL_CHANGE_UNDONE", source);
  });
}

/**
 * Locks the user first and checks then: of two racing links, the second finds its undo gone. The version of the credentials is not
 * looked at, because an intruder moves it on.
 * @throws {AccountError} INVALID_TOKEN
 */
async function lockUndo(
  { now }: Dependencies,
  em: EntityManager,
  subject: TokenSubject,
): Promise<{ user: User; undo: EmailChange }> {
  if (subject.reference === undefined) throw invalidToken();
  const user = await lockUser(em, subject.userId);
  const undo = await em.findOne(EmailChange, {
    id: subject.reference,
    user: subject.userId,
    isUndo: true,
    $or: [{ endsAt: null }, { endsAt: { $gt: now() } }],
  });
  if (!user || !undo || answerTo("undoEmailChange", user, now()) === "INVALID_TOKEN") throw invalidToken();
  return { user, undo };
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

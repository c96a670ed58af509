import type { Dependencies } from "../dependencies.ts";
import { daysAfter } from "../model/days.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Viewer } from "../model/sign-in.ts";
import { confirmPassword } from "../password/confirm-password.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { UNDO_DAYS } from "../mails/catalogue.ts";
import { lockViewer } from "../store/locks.ts";

/** Time for an owner who is robbed of the account to read the old mailbox: a thief may ask for this, too. */
const ENDS_AFTER_DAYS = 3;

/**
 * For who has lost the old mailbox, or fears that somebody else reads it: the changes of the email address can no longer be undone
 * ENDS_AFTER_DAYS from now, and never later than their links expire. Tells both addresses by mail.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, SERVER_BUSY, UNAUTHENTICATED, RATE_LIMITED
 */
export async function endEmailChangeUndo(
  deps: Dependencies,
  viewer: Viewer,
  password: string,
  source: RequestSource,
): Promise<string> {
  checkArguments({ password });
  await confirmPassword(deps, viewer, "password", password, source);
  return deps.transaction(async (em) => {
    const user = await lockViewer(em, viewer.user, deps.now());
    const expired = daysAfter(deps.now(), -UNDO_DAYS);
    const undos = await em.find(EmailChange, {
      user: user.id,
      isUndo: true,
      endsAt: null,
      requestedAt: { $gt: expired },
    });
    if (undos.length === 0)
      return "There is no change of your email address that can be undone, or its undo is ending already.";
    for (const undo of undos) {
      const [asked, anyway] = [
        daysAfter(deps.now(), ENDS_AFTER_DAYS),
        daysAfter(undo.requestedAt, UNDO_DAYS),
      ];
      undo.endsAt = asked < anyway ? asked : anyway;
      await deps.outbox.enqueue(em, "email-undo-ending", user, { emailChangeId: undo.id });
      await deps.outbox.enqueue(em, "email-undo-ending-notice", user, { emailChangeId: undo.id });
    }
    await deps.auditTrail.record(em, "EMAIL_CHANGE_UNDO_ENDING", { user, source, actor: user });
    return `In ${ENDS_AFTER_DAYS} days at the latest, the change of your email address can no longer be undone. We have told both addresses by email.`;
  });
}

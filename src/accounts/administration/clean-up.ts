import type { Dependencies } from "../dependencies.ts";
import { daysAfter } from "../model/days.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import { Session } from "../model/session.entity.ts";
import { User } from "../model/user.entity.ts";

const EXPIRED_REMOVED_AFTER_DAYS = 7;
/** No link is good for longer. */
const EMAIL_CHANGES_REMOVED_AFTER_DAYS = 32;

/** The daily job: removes what has expired. Returns how many rows of each kind. */
export async function cleanUp({
  patientEm: root,
  now,
  auditTrail,
  rateLimits,
}: Dependencies): Promise<Record<string, number>> {
  const em = root.fork();
  const before = (days: number) => ({ $lt: daysAfter(now(), -days) });
  return {
    neverConfirmed: await em.nativeDelete(User, {
      isActive: false,
      confirmationExpiresAt: before(EXPIRED_REMOVED_AFTER_DAYS),
    }),
    erased: await em.nativeDelete(User, { eraseAt: before(0) }),
    sessions: await em.nativeDelete(Session, { expiresAt: before(0) }),
    formerUsernames: await em.nativeUpdate(
      User,
      { formerUsernameUntil: before(0) },
      { formerUsername: null, formerUsernameUntil: null },
    ),
    emailChanges: await em.nativeDelete(EmailChange, {
      requestedAt: before(EMAIL_CHANGES_REMOVED_AFTER_DAYS),
    }),
    eventMonths: await auditTrail.keepMonths(em),
    rateLimits: await rateLimits.removeOld(),
  };
}

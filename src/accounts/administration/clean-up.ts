import type { Dependencies } from "../dependencies.ts";
import { CleanUp, LAST_CLEAN_UP } from "../model/clean-up.entity.ts";
import { daysAfter } from "../model/days.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import { User } from "../model/user.entity.ts";
import { removeExpiredSessions } from "../store/sessions.ts";

const EXPIRED_REMOVED_AFTER_DAYS = 7;
/** No link is good for longer. */
const EMAIL_CHANGES_REMOVED_AFTER_DAYS = 32;
/** If the last clean-up was longer ago, it is as likely that somebody has set the clock forward, and nothing has expired. */
const PLAUSIBLE_DAYS = 7;

export interface CleanedUp {
  readonly now: Date;
  /** Null if it is the first clean-up. */
  readonly ranLastAt: Date | null;
  /** How many rows of each kind; null if the clock is not trusted. */
  readonly removed: Record<string, number> | null;
}

/**
 * The daily job: removes what has expired, unless the clock seems to have jumped.
 * @param isConfirmed the operator says that the clock is right
 */
export async function cleanUp(deps: Dependencies, isConfirmed = false): Promise<CleanedUp> {
  const em = deps.patientEm.fork();
  const now = deps.now();
  const ranLastAt = (await em.findOne(CleanUp, { id: LAST_CLEAN_UP }))?.ranAt ?? null;
  const isPlausible = ranLastAt === null || now < daysAfter(ranLastAt, PLAUSIBLE_DAYS);
  if (!isPlausible && !isConfirmed) return { now, ranLastAt, removed: null };
  const removed = await removeExpired(deps, now);
  await em.upsert(CleanUp, { id: LAST_CLEAN_UP, ranAt: now });
  return { now, ranLastAt, removed };
}

async function removeExpired(
  { patientEm, auditTrail, rateLimits }: Dependencies,
  now: Date,
): Promise<Record<string, number>> {
  const em = patientEm.fork();
  const before = (days: number) => ({ $lt: daysAfter(now, -days) });
  return {
    neverConfirmed: await em.nativeDelete(User, {
      isActive: false,
      confirmationExpiresAt: before(EXPIRED_REMOVED_AFTER_DAYS),
    }),
    erased: await em.nativeDelete(User, { eraseAt: before(0) }),
    sessions: await removeExpiredSessions(em, now),
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

import type { EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import type { MailPosition } from "../../mail/queue.ts";
import type { QueuedEmail } from "../model/queued-email.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { User } from "../model/user.entity.ts";
import { AccountError } from "../rules/account-error.ts";
import { lockForAdminIfThere, lockUser, lockUsers } from "../store/locks.ts";
import { UUID } from "../store/users.ts";
import type { Admin } from "./change-user.ts";
import { noSuchEmail, queuedEmailOf } from "./find-queued-emails.ts";

const DECISIONS = {
  retry: { event: "EMAIL_RETRIED", past: "retried", states: "failed or retrying" },
  discard: { event: "EMAIL_DISCARDED", past: "discarded", states: "failed, retrying or waiting" },
} as const;
type Decision = keyof typeof DECISIONS;

/** Enough to be fast, and few enough that their locks keep nobody waiting. */
const BATCH_SIZE = 500;

/**
 * Sends an email that has failed again, as if it were new, or one that waits for its time at once.
 * @throws {AccountError} UNAUTHENTICATED, FORBIDDEN, PASSWORD_REQUIRED, NOT_FOUND
 */
export function retryEmail(
  deps: Dependencies,
  admin: Admin,
  id: string,
  source: RequestSource,
): Promise<QueuedEmail> {
  return decide(deps, "retry", admin, id, source);
}

/**
 * Deletes an email that was not sent and that no server has in hand.
 * @returns it as it was
 * @throws {AccountError} UNAUTHENTICATED, FORBIDDEN, PASSWORD_REQUIRED, NOT_FOUND
 */
export function discardEmail(
  deps: Dependencies,
  admin: Admin,
  id: string,
  source: RequestSource,
): Promise<QueuedEmail> {
  return decide(deps, "discard", admin, id, source);
}

/**
 * As retryEmail, by the operator, for all emails that have failed.
 * @returns how many
 */
export function retryFailedEmails(deps: Dependencies, source: RequestSource): Promise<number> {
  return decideAboutFailed(deps, "retry", source);
}

/**
 * As discardEmail, by the operator, for all emails that have failed.
 * @returns how many
 */
export function discardFailedEmails(deps: Dependencies, source: RequestSource): Promise<number> {
  return decideAboutFailed(deps, "discard", source);
}

/** The users are locked before the email, as by everything that locks both. */
function decide(
  deps: Dependencies,
  decision: Decision,
  admin: Admin,
  id: string,
  source: RequestSource,
): Promise<QueuedEmail> {
  const { event, past, states } = DECISIONS[decision];
  return deps.transaction(async (em) => {
    const [found] = UUID.test(id) ? await deps.mailQueue.find(em, [id]) : [];
    const user = await lockOwner(deps, em, admin, found?.job.userId ?? null);
    const [decided] = found ? await deps.mailQueue[decision](em, [id]) : [];
    if (!decided) {
      const [now] = found ? await deps.mailQueue.find(em, [id]) : [];
      if (!now) throw noSuchEmail(id);
      const message = `The email ${id} is ${now.state}. Only one that is ${states} can be ${past}.`;
      throw new AccountError("NOT_FOUND", message, { field: "id" });
    }
    await deps.auditTrail.record(em, event, { user, source, actor: admin?.user ?? null });
    return queuedEmailOf(decided, user);
  });
}

function lockOwner(
  { now }: Dependencies,
  em: EntityManager,
  admin: Admin,
  id: string | null,
): Promise<User | null> {
  if (admin) return lockForAdminIfThere(em, admin, id, now());
  return id === null ? Promise.resolve(null) : lockUser(em, id);
}

/** Batch by batch, each of them a transaction. What fails again meanwhile is not taken again. */
async function decideAboutFailed(
  { patientEm, mailQueue, auditTrail }: Dependencies,
  decision: Decision,
  source: RequestSource,
): Promise<number> {
  let count = 0;
  for (let after: MailPosition | undefined; ;) {
    const batch = await mailQueue.page(patientEm.fork(), ["failed"], BATCH_SIZE, after);
    after = batch.at(-1)?.position;
    if (!after) return count;
    count += await patientEm.fork().transactional(async (em) => {
      const users = await lockUsers(
        em,
        batch.map(({ job }) => job.userId),
      );
      const ids = batch.map(({ id }) => id);
      const decided = await mailQueue[decision](em, ids);
      const owners = decided.map(({ job }) => users.get(job.userId)).filter((user) => user !== undefined);
      await auditTrail.recordAll(em, DECISIONS[decision].event, owners, source);
      return decided.length;
    });
  }
}

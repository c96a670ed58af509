import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import { Session } from "../model/session.entity.ts";
import { endAllTokens } from "../store/users.ts";

export interface AfterRestore {
  /** Whose tokens and links are void now. */
  readonly accounts: number;
  readonly sessionsEnded: number;
  readonly mailsHeld: number;
}

/**
 * After the database was restored from a backup: what was ended, used or sent since then would be live again. Ends every session, voids
 * every link, and holds every email that waits, all or nothing. Doing it again is harmless. A link that undoes a change of the email
 * address stays good, because the change may be there again.
 */
export async function afterRestore(
  { patientEm, auditTrail, outbox }: Dependencies,
  source: RequestSource,
): Promise<AfterRestore> {
  return patientEm.fork().transactional(async (em) => ({
    accounts: await endAllTokens(
      em,
      auditTrail.event("RESTORED_FROM_BACKUP", { user: null, source, actor: null }),
    ),
    sessionsEnded: await em.nativeDelete(Session, {}),
    mailsHeld: await outbox.holdAll(em),
  }));
}

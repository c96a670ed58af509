// What the use cases are given. app/compose-accounts.ts builds it.
import type { EntityManager } from "@mikro-orm/postgresql";

import type { MailQueue } from "../mail/queue.ts";
import type { Passwords } from "./hashing/passwords.ts";
import type { MailJob } from "./mails/mail-job.ts";
import type { Outbox } from "./mails/outbox.ts";
import type { DeviceTokens } from "./device-tokens.ts";
import type { RateLimits } from "./limits/rate-limits.ts";
import type { RefreshTokens } from "./refresh-tokens.ts";
import type { AuditTrail } from "./store/audit-trail.ts";
import type { Sessions } from "./store/sessions.ts";
import type { Tokens } from "./tokens.ts";

export interface Dependencies {
  /** For what needs no transaction; the ORM's own queries need a `fork()` of it. */
  readonly em: EntityManager;
  /** As em, without its time limits: for what may take longer than a request. */
  readonly patientEm: EntityManager;
  /**
   * Does `work`, which only reads, where all is known that was committed before: on a replica of the database, or else at the primary,
   * and there a second time if the replica fails. For long reads: before it, the primary is asked how far the replica has to be.
   */
  readonly readAnywhere: <T>(work: (em: EntityManager) => Promise<T>) => Promise<T>;
  /** Commits what `work` does, or rolls all of it back where it throws; entities' changes are flushed before the commit. */
  readonly transaction: <T>(work: (em: EntityManager) => Promise<T>) => Promise<T>;
  readonly passwords: Passwords;
  readonly tokens: Tokens;
  readonly refreshTokens: RefreshTokens;
  readonly deviceTokens: DeviceTokens;
  readonly rateLimits: RateLimits;
  readonly sessions: Sessions;
  readonly auditTrail: AuditTrail;
  readonly outbox: Outbox;
  /** For whoever decides about emails that are not sent. */
  readonly mailQueue: Pick<MailQueue<MailJob>, "counts" | "page" | "find" | "retry" | "discard">;
  /** The names of the applications of the product. */
  readonly applications: { has(name: string): boolean };
  /** The users whose data this process is exporting. */
  readonly exportsUnderWay: Set<string>;
  /** Those of mails, as BCP 47 tags. */
  readonly locales: readonly string[];
  /** The locale of mails that suits best, of those preferred in this order. */
  readonly pickLocale: (preferences: readonly string[]) => string;
  readonly now: () => Date;
  readonly hideAccountExistence: boolean;
}

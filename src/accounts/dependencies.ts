// What the use cases work with, and what they know of a request.
import type { EntityManager } from "@mikro-orm/postgresql";

import type { MailQueue } from "../mail/queue.ts";
import type { AccountMail } from "./mails/account-mails.ts";
import type { Passwords } from "./hashing/passwords.ts";
import type { Tokens } from "./tokens.ts";

export interface Dependencies {
  readonly em: EntityManager;
  readonly mailQueue: Pick<MailQueue<AccountMail>, "enqueue">;
  readonly passwords: Passwords;
  readonly tokens: Tokens;
  /** The locale of the mails that suits best, of those preferred in this order. */
  readonly pickLocale: (preferences: readonly string[]) => string;
  readonly now: () => Date;
  readonly hideAccountExistence: boolean;
  /** A session that is not used for this long ends. */
  readonly sessionIdleDays: number;
  /** A session ends after this long, however much it is used. */
  readonly sessionMaxDays: number;
  readonly auditRetentionDays: number;
}

/** Where a request came from; for the list of sessions and the audit trail. */
export interface RequestSource {
  /** The IP address; null if it did not come over a network. */
  readonly ip: string | null;
  /** The User-Agent header as it was sent. */
  readonly userAgent: string | null;
  /** The operator at the command line, not somebody over HTTP. */
  readonly isOperator?: boolean;
}

const DAY_IN_MS = 24 * 60 * 60 * 1000;

export function daysAfter(date: Date, days: number): Date {
  return new Date(date.getTime() + days * DAY_IN_MS);
}

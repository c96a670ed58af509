// An email as whoever decides about it sees it: never its text, its links or its tokens, which exist only while it is sent.
import type { MailState } from "../../mail/queue.ts";
import type { User } from "./user.entity.ts";

export type QueuedEmailState = MailState;

/** The states and their descriptions in the schema's enum QueuedEmailState. */
export const QUEUED_EMAIL_STATES: Readonly<Record<QueuedEmailState, string>> = {
  waiting: "It was not tried yet.",
  sending: "A server has it in hand.",
  retrying:
    "It was not sent yet and is tried again by itself, at `nextAttemptAt` or once the SMTP server is back.",
  failed: "It was refused or given up, and waits until somebody retries or discards it.",
  done: "It was sent, or dropped because it was out of date. It is forgotten after a day.",
};

/** Their names. */
export const MAIL_STATES = Object.keys(QUEUED_EMAIL_STATES) as readonly QueuedEmailState[];

/** What has not come to its end. */
export const NOT_DONE = MAIL_STATES.filter((state) => state !== "done");

export interface QueuedEmail {
  readonly id: string;
  /** The name of its template. */
  readonly kind: string;
  readonly state: QueuedEmailState;
  /** Whom it is about; null if the account is gone, or never was. */
  readonly user: User | null;
  readonly createdAt: Date;
  /** Null if it is not to be tried by itself. */
  readonly nextAttemptAt: Date | null;
  /** How often a server has taken it in hand. */
  readonly attempts: number;
  /** Why the last attempt failed, or null. Contains nothing from the email. */
  readonly lastError: string | null;
}

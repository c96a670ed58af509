// The audit trail. An event is written in the same transaction as the change it records, and never changes, except that one which
// is repeated is counted. It is deleted with its user or after the retention period.
import { defineEntity, p } from "@mikro-orm/core";

import { UserSchema } from "./user.entity.ts";

/** The kinds of events and their descriptions in the schema's enum AccountEventType. */
export const ACCOUNT_EVENT_TYPES = {
  REGISTERED: "The account was registered.",
  CONFIRMATION_REQUESTED: "Another confirmation email was requested.",
  ACTIVATED: "The email address was confirmed, which activated the account.",
  LOGGED_IN: "Someone logged in with the password.",
  LOGIN_FAILED: "An attempt to log in was refused.",
  PASSWORD_REFUSED: "Someone entered a wrong password when asked to confirm it.",
  PASSWORD_CONFIRMED: "A user who was logged in confirmed the password.",
  LOGGED_OUT: "A device logged out.",
  SESSION_REVOKED: "A session was ended from another session.",
  SESSIONS_ENDED: "All sessions were ended.",
  REFRESH_TOKEN_REUSED: "A refresh token was used again after it had been replaced, which ended the session.",
  RESET_REQUESTED: "A password reset email was requested.",
  PASSWORD_RESET: "The password was reset with the link from an email.",
  PASSWORD_CHANGED: "The password was changed.",
  EMAIL_CHANGE_REQUESTED: "A change of the email address was requested.",
  EMAIL_CHANGED: "The email address was changed.",
  EMAIL_CHANGE_UNDONE: "A change of the email address was undone.",
  EMAIL_CHANGE_UNDO_ENDING: "The owner asked that a change of the email address can no longer be undone.",
  USERNAME_CHANGED: "The username was changed.",
  EXPORTED: "All data stored about the account was exported.",
  DELETION_REQUESTED: "The account was deleted. Logging in restores it until it is erased.",
  RESTORED: "The deleted account was restored.",
  ROLES_CHANGED: "The roles of the user were replaced.",
  DEACTIVATED: "The account was deactivated.",
  REACTIVATED: "The account was reactivated.",
  RATE_LIMITED: "An attempt was refused because there were too many of them.",
  IMPORTED: "The account was imported from another system.",
  EMAIL_RETRIED: "An email to the user that was not sent was put back in the queue.",
  EMAIL_DISCARDED: "An email to the user that was not sent was deleted.",
  RESTORED_FROM_BACKUP:
    "The operator restored the database from a backup, which ended all sessions and voided all links.",
} as const;

export type AccountEventType = keyof typeof ACCOUNT_EVENT_TYPES;

/** Who caused an event: someone who was not logged in, the owner, an administrator, or the operator at the command line. */
export const AccountEventActor = {
  ANYONE: "ANYONE",
  OWNER: "OWNER",
  ADMIN: "ADMIN",
  OPERATOR: "OPERATOR",
} as const;
export type AccountEventActor = (typeof AccountEventActor)[keyof typeof AccountEventActor];

export const AccountEventSchema = defineEntity({
  name: "AccountEvent",
  tableName: "account_events",
  properties: {
    id: p.bigint("string").primary().autoincrement(),
    /** Null for an attempt to log in with an unknown name. */
    user: () => p.manyToOne(UserSchema).nullable().deleteRule("cascade"),
    type: p.text().$type<AccountEventType>(),
    occurredAt: p.datetime(3),
    ip: p.text().name("address").nullable(),
    userAgent: p.text().nullable(),
    actor: p.text().$type<AccountEventActor>(),
    actorId: p.uuid().nullable(),
    /** How often it occurred within the hour (store/audit-trail.ts). */
    count: p.integer().default(1),
    /** Null if it occurred once. */
    lastOccurredAt: p.datetime(3).nullable(),
    /** The same for all that count as one event; null for an event that is not counted. */
    repetitionKey: p.uuid().nullable(),
  },
});

export class AccountEvent extends AccountEventSchema.class {}

AccountEventSchema.setClass(AccountEvent);

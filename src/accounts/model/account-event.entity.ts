// The audit trail: what happened to an account, written in the same transaction as what it tells. Rows are only added,
// and go with their user or after the retention time.
import { defineEntity, p } from "@mikro-orm/core";

import { UserSchema } from "./user.entity.ts";

/** What can have happened, with what it means; the schema's enum AccountEventType is made of this. */
export const ACCOUNT_EVENT_TYPES = {
  REGISTERED: "The account was registered.",
  CONFIRMATION_REQUESTED: "A new confirmation link was asked for.",
  ACTIVATED: "The address was confirmed.",
  LOGGED_IN: "Somebody signed in with the password.",
  LOGIN_FAILED: "Somebody tried to sign in and was refused.",
  PASSWORD_REFUSED: "A signed-in user gave a wrong password where one was needed again.",
  LOGGED_OUT: "A session was ended by its own device.",
  SESSION_REVOKED: "A session was ended from another one.",
  SESSIONS_ENDED: "All sessions were ended.",
  REFRESH_TOKEN_REUSED: "A spent refresh token came again: the session was ended.",
  RESET_REQUESTED: "A link to reset the password was asked for.",
  PASSWORD_RESET: "The password was reset by a mailed link.",
  PASSWORD_CHANGED: "The password was changed.",
  EMAIL_CHANGE_REQUESTED: "A change of the address was asked for.",
  EMAIL_CHANGED: "The address was changed.",
  EMAIL_CHANGE_UNDONE: "A change of the address was undone.",
  USERNAME_CHANGED: "The username was changed.",
  EXPORTED: "All that is stored about the account was exported.",
  DELETION_REQUESTED: "The account was deleted; signing in restores it until it is erased.",
  RESTORED: "The deletion was taken back by signing in.",
  ROLES_CHANGED: "The roles were set.",
  DEACTIVATED: "The account was deactivated.",
  REACTIVATED: "The account was reactivated.",
  IMPORTED: "The account was imported from another system.",
} as const;

export type AccountEventType = keyof typeof ACCOUNT_EVENT_TYPES;

/** Who did it: nobody who was signed in, the owner, an administrator, or the operator at the command line. */
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
    id: p.bigint("string").primary().generated("identity"),
    /** Null for a login by an unknown name. */
    user: () => p.manyToOne(UserSchema).nullable().deleteRule("cascade"),
    type: p.text().$type<AccountEventType>(),
    occurredAt: p.datetime(3).index("account_events_occurred_at_index"),
    ip: p.text().name("address").nullable(),
    userAgent: p.text().nullable(),
    actor: p.text().$type<AccountEventActor>(),
    actorId: p.uuid().nullable(),
  },
  indexes: [{ name: "account_events_user_id_id_index", properties: ["user", "id"] }],
  triggers: [
    {
      name: "account_events_append_only",
      timing: "before",
      events: ["update"],
      forEach: "row",
      body: "raise exception 'account_events is append-only';",
    },
  ],
});

export class AccountEvent extends AccountEventSchema.class {}

AccountEventSchema.setClass(AccountEvent);

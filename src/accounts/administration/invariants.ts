// What must hold of the tables at every moment, whatever has crashed and whoever has raced. The audit trail, the tables and the queue
// are written in the same transactions, so each of them can be held against the others.
import { MAIL_JOBS } from "../../mail/queue.ts";
import type { MailName } from "../mails/catalogue.ts";
import type { AccountEventType } from "../model/account-event.entity.ts";
import { RESTORABLE_DAYS } from "../model/account-state.ts";
import { SESSIONS_MAX } from "../store/sessions.ts";

export interface Invariant {
  /** A sentence without its full stop. */
  readonly promise: string;
  /** Selects the `id` of each user or session that breaks it. */
  readonly broken: string;
}

type EventType = AccountEventType;
const list = (types: readonly EventType[]) => types.map((type) => `'${type}'`).join(", ");

const BEGINS: readonly EventType[] = ["REGISTERED", "IMPORTED"];
/** Each of them raises the version that links and tokens are bound to. */
const ENDS_TOKENS: readonly EventType[] = [
  "ACTIVATED",
  "PASSWORD_RESET",
  "PASSWORD_CHANGED",
  "EMAIL_CHANGED",
  "EMAIL_CHANGE_UNDONE",
  "DEACTIVATED",
  "DELETION_REQUESTED",
  "RESTORED_FROM_BACKUP",
];
/** Some of them open a session, too, which is the only one then. */
const ENDS_SESSIONS: readonly EventType[] = [
  "PASSWORD_RESET",
  "PASSWORD_CHANGED",
  "EMAIL_CHANGE_UNDONE",
  "SESSIONS_ENDED",
  "DEACTIVATED",
  "DELETION_REQUESTED",
  "RESTORED_FROM_BACKUP",
];

/** The email that goes with each event. */
const MAIL_OF: Partial<Record<EventType, MailName>> = {
  REGISTERED: "registration",
  CONFIRMATION_REQUESTED: "registration",
  RESET_REQUESTED: "reset",
  PASSWORD_RESET: "password-changed",
  PASSWORD_CHANGED: "password-changed",
  EMAIL_CHANGE_REQUESTED: "email-change",
  EMAIL_CHANGED: "email-changed",
  EMAIL_CHANGE_UNDO_ENDING: "email-undo-ending",
  USERNAME_CHANGED: "username-changed",
  DELETION_REQUESTED: "account-deleted",
  ROLES_CHANGED: "roles-changed",
  DEACTIVATED: "account-deactivated",
  REACTIVATED: "account-reactivated",
  SESSIONS_ENDED: "sessions-ended",
};
const DISCARDED: EventType = "EMAIL_DISCARDED";
/** An email that was sent is forgotten after a day; an hour is left for clocks that differ. */
const MAILS_KNOWN_FOR = "23 hours";

/** Events are deleted after a while, so nothing is asked of what is older than all of them. */
const IN_TRAIL = `> (select min(occurred_at) from accounts.account_events)`;

/**
 * @param type what sets the column, and `undo` what clears it
 * @param since when the column was set
 */
const tells = (column: string, type: EventType, undo: EventType, since: string) => `
  select coalesce(marked.id, last.user_id)::text as id
  from (select id, ${since} as since from accounts.users where ${column} is not null) as marked
  full join (
    select distinct on (user_id) user_id, type from accounts.account_events
    where type in (${list([type, undo])}) and user_id is not null order by user_id, id desc
  ) as last on last.user_id = marked.id
  where (last.type is not distinct from '${type}') <> (marked.id is not null)
    and (last.type is not null or since ${IN_TRAIL})`;

export const INVARIANTS: readonly Invariant[] = [
  {
    promise: "Each username belongs to one account",
    broken: `select min(id::text) as id from accounts.users group by lower(username collate "C") having count(*) > 1`,
  },
  {
    promise: "Each email address belongs to one confirmed account at most, and one that waits for it",
    broken: `select min(id::text) as id from accounts.users group by lower(email collate "C"), is_active having count(*) > 1`,
  },
  {
    promise: "No confirmed account waits for a confirmation",
    broken: `select id::text from accounts.users
             where is_active and (confirmation_expires_at is not null or is_contested or registration_device is not null)`,
  },
  {
    promise: "Each session belongs to a user who may be logged in",
    broken: `select s.id::text from accounts.sessions s join accounts.users u on u.id = s.user_id
             where not u.is_active or u.deactivated_at is not null or u.erase_at is not null`,
  },
  {
    promise: `No user has more than ${SESSIONS_MAX} sessions`,
    broken: `select user_id::text as id from accounts.sessions group by user_id having count(*) > ${SESSIONS_MAX}`,
  },
  {
    promise: "The audit trail tells how each session began",
    broken: `select s.id::text from accounts.sessions s where s.created_at ${IN_TRAIL} and not exists (
               select from accounts.account_events e where e.user_id = s.user_id and e.occurred_at = s.created_at)`,
  },
  {
    promise: "No session has survived what ended all sessions of its user",
    // By the order of the events: they are recorded behind the lock of the user, and clocks differ.
    broken: `select s.id::text from accounts.sessions s join (
               select user_id, max(id) as id from accounts.account_events
               where type in (${list(ENDS_SESSIONS)}) group by user_id
             ) as ended on ended.user_id = s.user_id
             where not exists (
               select from accounts.account_events e
               where e.user_id = s.user_id and e.occurred_at = s.created_at and e.id >= ended.id)`,
  },
  {
    promise: "The audit trail tells how each account began",
    broken: `select u.id::text from accounts.users u where u.created_at ${IN_TRAIL} and not exists (
               select from accounts.account_events e where e.user_id = u.id and e.type in (${list(BEGINS)}))`,
  },
  {
    promise: "Each account was confirmed once, if at all",
    broken: `select u.id::text from accounts.users u left join (
               select user_id, count(*) filter (where type = 'ACTIVATED') as activated,
                 bool_or(type = 'REGISTERED' and actor = 'ANYONE') as is_registered
               from accounts.account_events where type in (${list(["ACTIVATED", ...BEGINS])}) group by user_id
             ) as events on events.user_id = u.id
             where activated > 1 or (activated > 0 and not is_active) or (activated = 0 and is_active and is_registered)`,
  },
  {
    promise: "Each change of credentials has ended the links and tokens of before",
    broken: `select u.id::text from accounts.users u join (
               select user_id, count(*) as changes from accounts.account_events
               where type in (${list(ENDS_TOKENS)}) group by user_id
             ) as ended on ended.user_id = u.id
             where u.credential_version <= changes`,
  },
  {
    promise: "An account is deactivated if the audit trail says so",
    broken: tells("deactivated_at", "DEACTIVATED", "REACTIVATED", "deactivated_at"),
  },
  {
    promise: "An account is deleted if the audit trail says so",
    broken: tells(
      "erase_at",
      "DELETION_REQUESTED",
      "RESTORED",
      `erase_at - interval '${RESTORABLE_DAYS} days'`,
    ),
  },
  {
    promise:
      "Each change of the last day that is told by email has its email, unless the audit trail tells that it was discarded",
    broken: `select asked.user_id::text as id from (
               select user_id, mail, sum(count) as events from accounts.account_events
               join (values ${Object.entries(MAIL_OF)
                 .map(([type, mail]) => `('${type}', '${mail}')`)
                 .join(", ")}) as told (event, mail) on event = type
               where occurred_at > now() - interval '${MAILS_KNOWN_FOR}' and user_id is not null
                 -- Nobody is told of sessions that they have ended themselves, nor of an administrator's beginning.
                 and not (type = 'SESSIONS_ENDED' and actor = 'OWNER') and not (type = 'REGISTERED' and actor = 'OPERATOR')
               group by user_id, mail
             ) as asked left join (
               select data->>'userId' as user_id, data->>'mail' as mail, count(*) as mails from ${MAIL_JOBS} group by 1, 2
             ) as sent on sent.user_id = asked.user_id::text and sent.mail = asked.mail
             left join (
               select user_id, count(*) as mails from accounts.account_events
               where type = '${DISCARDED}' and occurred_at > now() - interval '${MAILS_KNOWN_FOR}' group by user_id
             ) as discarded on discarded.user_id = asked.user_id
             where events > coalesce(sent.mails, 0) + coalesce(discarded.mails, 0)`,
  },
];

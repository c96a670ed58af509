// The audit trail. An event is written in the same transaction as the change, so it never records what was rolled back.
import { createHash } from "node:crypto";
import { isIP } from "node:net";

import type { EntityManager } from "@mikro-orm/postgresql";

import {
  AccountEvent,
  type AccountEventActor,
  type AccountEventType,
} from "../model/account-event.entity.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { User } from "../model/user.entity.ts";
import { networkOf } from "../../network.ts";
import { run, statement } from "./statement.ts";

const USER_AGENT_MAX_LENGTH = 256;

/**
 * What one can do again and again without changing anything. Repetitions within an hour by the same client, of the same account,
 * are counted in the row of the first one. Otherwise an anonymous client could fill the disk and drown what matters.
 */
const COUNTED: ReadonlySet<AccountEventType> = new Set([
  "LOGIN_FAILED",
  "PASSWORD_REFUSED",
  "CONFIRMATION_REQUESTED",
  "RESET_REQUESTED",
  "REFRESH_TOKEN_REUSED",
  "EXPORTED",
  "EMAIL_RETRIED",
]);
const HOUR_MS = 60 * 60 * 1000;

/** The columns of an event but its user. */
export interface EventValues {
  readonly type: AccountEventType;
  readonly occurredAt: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly actor: AccountEventActor;
  readonly actorId: string | null;
  readonly repetitionKey: string | null;
}

/** For a statement that adds an event along with the change. `from` must yield one row; its `id` is the user's. */
export const insertEvent = (from: string) => `
  insert into accounts.account_events as first
    (user_id, type, occurred_at, address, user_agent, actor, actor_id, repetition_key)
  select id, :type, :occurredAt, :ip, :userAgent, :actor, :actorId, :repetitionKey from ${from}
  on conflict (repetition_key, month) where repetition_key is not null
  do update set count = first.count + 1, last_occurred_at = greatest(excluded.occurred_at, first.last_occurred_at)`;

// With no user if the account is gone by now, replaced by a registration or erased.
//
// Counted events take turns by client. Transactions that count in the same row wait for each other anyway, and the unknown accounts
// of a client share a row: without the turns, whoever sends requests side by side could tell by the wait which accounts are known.
// A turn lasts to the end of the transaction, which therefore locks what it needs before it records.
const RECORD = statement<EventValues & { userId: string | null; turn: bigint | null }>(
  "record-event",
  insertEvent(
    `(select id, pg_advisory_xact_lock(:turn) from
        (select (select id from accounts.users where id = :userId for key share) as id offset 0) as owner
     ) as owner`,
  ),
);

/** An event as it is exported. Times are in ISO 8601. */
export interface ExportedEvent {
  readonly type: AccountEventType;
  readonly occurredAt: string;
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly actor: AccountEventActor;
  readonly actorId: string | null;
  readonly count: number;
  readonly lastOccurredAt: string;
}

const EVENTS_BEFORE = statement<
  { userId: string; before: string; limit: number },
  Omit<ExportedEvent, "occurredAt" | "lastOccurredAt"> & { id: string; occurred: string; last: string }
>(
  "events-before",
  `select id, type, occurred_at as occurred, address, user_agent as "userAgent", actor, actor_id as "actorId", count,
     coalesce(last_occurred_at, occurred_at) as last
   from accounts.account_events where user_id = :userId and id < :before order by id desc limit :limit`,
);
// The function runs with the rights of the role that migrates (2026-11-29-events-by-month).
const KEEP_MONTHS = statement<{ days: number }, { dropped: number }>(
  "keep-event-months",
  "select accounts.keep_event_months(:days) as dropped",
);
const NO_ID_IS_HIGHER = "9223372036854775807";
const EXPORTED_AT_ONCE = 500;

interface About {
  /** Whose account it is about; null if nobody's is known. */
  readonly user: User | null;
  readonly source: RequestSource;
  /** Who was signed in; null if nobody was. */
  readonly actor: User | null;
}

export class AuditTrail {
  readonly #now: () => Date;
  readonly #retentionDays: number;

  constructor(options: { now: () => Date; retentionDays: number }) {
    this.#now = options.now;
    this.#retentionDays = options.retentionDays;
  }

  /** Adds an event in the transaction of `em`. */
  async record(em: EntityManager, type: AccountEventType, about: About): Promise<void> {
    const event = this.event(type, about);
    const turn = event.repetitionKey === null ? null : turnOf(event.ip);
    await run(em, RECORD, { ...event, userId: about.user?.id ?? null, turn });
  }

  /** As `record`, of something that the operator did to many users whose rows are locked. */
  async recordAll(
    em: EntityManager,
    type: AccountEventType,
    users: readonly User[],
    source: RequestSource,
  ): Promise<void> {
    const events = users.map((user) => ({
      ...this.event(type, { user, source, actor: null }),
      user: user.id,
    }));
    await em.insertMany(AccountEvent, events);
  }

  /** The event for a statement made with `insertEvent`. */
  event(type: AccountEventType, { user, source, actor }: About): EventValues {
    const event = {
      type,
      occurredAt: this.#now(),
      ...storedSource(source),
      actor: actorOf(user, source, actor),
      actorId: actor?.id ?? null,
    };
    return { ...event, repetitionKey: repetitionKey(user, event) };
  }

  /**
   * The newest events of a user, the oldest of them first. Read in parts, so that other requests are served in between, and by a
   * statement, which takes a fifth of the time of the ORM's query.
   */
  async newest(
    em: EntityManager,
    user: User,
    max: number,
  ): Promise<{ events: ExportedEvent[]; hasOlder: boolean }> {
    const events: ExportedEvent[] = [];
    for (let before = NO_ID_IS_HIGHER; ;) {
      const limit = Math.min(EXPORTED_AT_ONCE, max + 1 - events.length);
      const rows = await run(em, EVENTS_BEFORE, { userId: user.id, before, limit });
      for (const { id, occurred, last, ...event } of rows) {
        const occurredAt = new Date(occurred).toISOString();
        events.push({ ...event, occurredAt, lastOccurredAt: new Date(last).toISOString() });
        before = id;
      }
      if (rows.length === limit && events.length <= max) continue;
      return { events: events.slice(0, max).reverse(), hasOlder: events.length > max };
    }
  }

  /**
   * By the clock of the database, drops each month whose events are all older than the retention time, and makes the months to come.
   * @returns how many months were dropped
   */
  async keepMonths(em: EntityManager): Promise<number> {
    const [row] = await run(em, KEEP_MONTHS, { days: this.#retentionDays });
    return row?.dropped ?? 0;
  }
}

/** As much of the source as is stored. A proxy may pass on anything as the address. */
export function storedSource({ ip, userAgent }: RequestSource) {
  return {
    ip: ip !== null && isIP(ip) !== 0 ? ip : null,
    userAgent: userAgent?.replace(/\p{Cc}/gu, "").slice(0, USER_AGENT_MAX_LENGTH) ?? null,
  };
}

/** The same for events that are counted in one row. Events of the operator never are. */
function repetitionKey(
  user: User | null,
  { type, occurredAt, ip, actor }: Omit<EventValues, "repetitionKey">,
) {
  if (!COUNTED.has(type) || actor === "OPERATOR") return null;
  const hour = Math.floor(occurredAt.getTime() / HOUR_MS);
  const parts = [user?.id, type, actor, ip && networkOf(ip), hour];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

const turnOf = (ip: string | null) =>
  createHash("sha256")
    .update(`events of ${ip === null ? "nowhere" : networkOf(ip)}`)
    .digest()
    .readBigInt64BE();

function actorOf(user: User | null, source: RequestSource, actor: User | null): AccountEventActor {
  if (source.isOperator) return "OPERATOR";
  if (!actor) return "ANYONE";
  return actor.id === user?.id ? "OWNER" : "ADMIN";
}

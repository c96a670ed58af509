// Fills the tables of the server in the fastest way: rows made by PostgreSQL itself, then the indexes, each month of the audit trail apart.
import { hashPassword } from "../contenders/passwords.ts";
import { person } from "../people.ts";
import { connected, query } from "../postgres.ts";

/** How many rows. */
export interface Size {
  readonly accounts: number;
  readonly sessions: number;
  readonly events: number;
}

/** The account with far more events than any other. */
export const BUSIEST = 1;
export const EVENTS_OF_BUSIEST = 10_000;
export const ADMIN = 2;

/** Expired sessions are those of one day: what the daily job finds. */
const IDLE_DAYS = 30;
const DAYS = 365;
const DAY_MS = 86_400_000;
const AT_ONCE = 2;

const text = (values: readonly string[]) => `(array[${values.map((value) => `'${value}'`).join(", ")}])`;
const USER_AGENTS = text([
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
]);

/** Into a table that was emptied in the same transaction, PostgreSQL writes without its log. */
const emptied = (tables: string) => `truncate ${tables};`;

/** A number that looks random, the same in each run, from 0 to below `bound`. */
const scattered = (value: string, seed: number, bound: number | string) =>
  `((hashint8extended(${value}, ${seed}) & 9007199254740991) % ${bound})`;
const address = (value: string) =>
  `concat_ws('.', 20 + ${scattered(value, 11, 200)}, ${scattered(value, 12, 256)}, ${scattered(value, 13, 256)}, ${scattered(value, 14, 256)})`;
const userAgent = (value: string) => `${USER_AGENTS}[1 + ${scattered(value, 15, 4)}]`;
const userId = (number: string) => `md5('user ' || ${number})::uuid`;

/** The events are numbered in the order of time, evenly over a year; every so many of them has opened a session that still exists. */
class Timeline {
  readonly size: Size;
  readonly eventsPerSession: number;
  readonly #startsAt = new Date(Math.floor(Date.now() / DAY_MS - DAYS) * DAY_MS);
  readonly #eventsPerBusy: number;

  constructor(size: Size) {
    const { sessions, events } = size;
    this.size = size;
    this.eventsPerSession = Math.floor(events / sessions);
    if (this.eventsPerSession < 2) throw new Error("There must be at least two events for each session.");
    this.#eventsPerBusy =
      this.eventsPerSession * Math.max(1, Math.floor(events / EVENTS_OF_BUSIEST / this.eventsPerSession));
  }

  timeOf(event: string): string {
    return `('${this.#startsAt.toISOString()}'::timestamptz + ${event} * interval '${(DAYS * DAY_MS) / this.size.events} milliseconds')`;
  }

  /** The first and the last event of each month. */
  months(): { month: string; partition: string; first: number; last: number }[] {
    const { events } = this.size;
    const start = this.#startsAt;
    return Array.from({ length: 13 }, (_each, index) => {
      const begin = (offset: number) => Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + offset);
      const firstAfter = (time: number) => Math.ceil(((time - start.getTime()) / (DAYS * DAY_MS)) * events);
      const month = new Date(begin(index)).toISOString().slice(0, 10);
      return {
        month,
        partition: `accounts.account_events_${month.slice(0, 7).replace("-", "_")}`,
        first: Math.max(1, firstAfter(begin(index))),
        last: Math.min(events, firstAfter(begin(index + 1)) - 1),
      };
    }).filter(({ first, last }) => first <= last);
  }

  userOf(event: string): string {
    const anybody = `1 + ${scattered(event, 1, this.size.accounts)}`;
    const { events } = this.size;
    return userId(
      `case when (${events} - ${event}) % ${this.#eventsPerBusy} = 1 then ${BUSIEST} else ${anybody} end`,
    );
  }
}

/** @param note is told what is done */
export async function fill(databaseUrl: string, size: Size, note: (what: string) => void): Promise<void> {
  const timeline = new Timeline(size);
  const { accounts, sessions, events, emailChanges } = {
    ...size,
    emailChanges: Math.ceil(size.accounts / 100),
  };
  const passwordHash = await hashPassword(person(1).password);

  const months = timeline.months();
  for (const { month } of months) await query(databaseUrl, "select accounts.make_event_month($1)", [month]);
  const indexes = await dropIndexes(databaseUrl, [
    "accounts.users",
    "accounts.sessions",
    "accounts.email_changes",
    "accounts.account_events",
  ]);

  const inserts = [
    `insert into accounts.users (id, username, email, password_hash, roles, is_active, credential_version, created_at, updated_at)
     select ${userId("n")}, 'user' || n, 'user' || n || '@bench.test', '${passwordHash}',
       case n when ${ADMIN} then '{USER,ADMIN}'::text[] else '{USER}' end, true, 1, registered, registered
     from (select n, now() - interval '1000 days' + n * interval '${(600 * 86_400) / accounts} seconds' as registered
       from generate_series(1, ${accounts}) as n) as numbered`,
    `${emptied("accounts.sessions")}
     insert into accounts.sessions (id, user_id, address, user_agent, created_at, last_used_at, expires_at, used_token, password_confirmed_at)
     select md5('session ' || n)::uuid, ${timeline.userOf("event")}, ${address("n")}, ${userAgent("n")}, ${timeline.timeOf("event")},
       expires - interval '${IDLE_DAYS} days', expires, ${scattered("n", 4, 50)}, ${timeline.timeOf("event")}
     from (select n, ${events} - ${timeline.eventsPerSession} * (n - 1) as event,
       now() - interval '1 day' + ${scattered("n", 3, IDLE_DAYS * 86_400)} * interval '1 second' as expires
       from generate_series(1::bigint, ${sessions}) as n) as numbered`,
    `insert into accounts.email_changes (id, user_id, old_email, new_email, is_undo, requested_at)
     select md5('change ' || n)::uuid, ${userId(`1 + ${scattered("n", 5, accounts)}`)}, 'user' || n || '@bench.test',
       'new' || n || '@bench.test', n % 2 = 0, now() - ${scattered("n", 6, 32 * 86_400)} * interval '1 second'
     from generate_series(1::bigint, ${emailChanges}) as n`,
    ...months.map(
      ({ month, partition, first, last }) =>
        `${emptied(partition)}
         insert into ${partition} (id, user_id, type, occurred_at, address, user_agent, actor, actor_id, month, repetition_key)
         select n, owner, type, ${timeline.timeOf("n")}, ${address("n")}, ${userAgent("n")},
           case type when 'LOGIN_FAILED' then 'ANYONE' else 'OWNER' end,
           case type when 'LOGIN_FAILED' then null else owner end, '${month}',
           case type when 'LOGIN_FAILED' then md5('key ' || n)::uuid end
         from (select n, ${timeline.userOf("n")} as owner, case ${scattered("n", 2, 10)} when 0 then 'LOGIN_FAILED' when 1 then 'LOGGED_OUT' else 'LOGGED_IN' end as type
           from generate_series(${first}::bigint, ${last}) as n offset 0) as numbered`,
    ),
  ];
  await all(databaseUrl, inserts, note);
  await all(databaseUrl, indexes, note);
  await all(
    databaseUrl,
    ["vacuum (analyze) accounts.users", "vacuum (analyze) accounts.sessions", "analyze"],
    note,
  );
  await query(databaseUrl, `select setval('accounts.event_ids', ${events})`);
  await query(databaseUrl, "checkpoint");
}

/** Drops the indexes, but for those that foreign keys need, and returns the statements that make them again. */
async function dropIndexes(databaseUrl: string, tables: readonly string[]): Promise<string[]> {
  const indexes = await query<{ drop: string; create: string }>(
    databaseUrl,
    `select
       case when conname is null then format('drop index %s', indexrelid::regclass)
         else format('alter table %s drop constraint %I', indrelid::regclass, conname) end as "drop",
       case when conname is null then replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
         else format('alter table %s add constraint %I %s', indrelid::regclass, conname, pg_get_constraintdef(key.oid)) end as "create"
     from pg_index left join pg_constraint as key on conindid = indexrelid and contype in ('p', 'u')
     where indrelid = any($1::regclass[]) and not exists (select from pg_constraint where conindid = indexrelid and contype = 'f')`,
    [tables],
  );
  for (const { drop } of indexes) await query(databaseUrl, drop);
  return indexes.map(({ create }) => create);
}

/** Runs statements, some at a time. */
async function all(
  databaseUrl: string,
  statements: readonly string[],
  note: (what: string) => void,
): Promise<void> {
  const waiting = statements[Symbol.iterator]();
  const work = () =>
    connected(databaseUrl, async (client) => {
      await client.query("set synchronous_commit = off");
      await client.query("set maintenance_work_mem = '1GB'");
      // Rows are consistent by the way they are made; no trigger has to look.
      await client.query("set session_replication_role = replica");
      for (const statement of waiting) {
        const startedAt = performance.now();
        await client.query(statement);
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
        note(`${seconds} s: ${statement.replaceAll(/\s+/g, " ").slice(0, 90)}`);
      }
    });
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

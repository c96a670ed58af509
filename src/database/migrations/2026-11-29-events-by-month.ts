// Partitions the audit trail by month, so that what is older than the retention time is dropped a month at a time instead of deleted row by
// row. An event belongs to the month in which the database has received it.
import { Migration } from "@mikro-orm/migrations";

const EVENTS = `"accounts"."account_events"`;
const COLUMNS = `"id", "user_id", "type", "occurred_at", "address", "user_agent", "actor", "actor_id", "count", "last_occurred_at",
  "repetition_key"`;
const DEFINITIONS = `
  "user_id" uuid null,
  "type" text not null,
  "occurred_at" timestamptz(3) not null,
  "address" text null,
  "user_agent" text null,
  "actor" text not null,
  "actor_id" uuid null,
  "count" int not null default 1,
  "last_occurred_at" timestamptz(3) null,
  "repetition_key" uuid null`;

const CONSTRAINTS = [
  `alter table ${EVENTS} add constraint "account_events_user_id_foreign" foreign key ("user_id")
     references "accounts"."users" ("id") on delete cascade`,
  `create index "account_events_user_id_id_index" on ${EVENTS} ("user_id", "id")`,
  `create index "account_events_occurred_at_index" on ${EVENTS} ("occurred_at")`,
  `create trigger "account_events_append_only" before update on ${EVENTS}
     for each row execute function "accounts"."account_events_account_events_append_only_fn"()`,
];

export class EventsByMonth extends Migration {
  override up(): void {
    this.#setAside();
    // Not an identity column, which a partitioned table cannot have before PostgreSQL 17.
    this.addSql(`create sequence "accounts"."event_ids"`);
    // Which an identity column would need from nobody. Only who may use the schema gets so far, such as the role that serves.
    this.addSql(`grant usage on sequence "accounts"."event_ids" to public`);
    this.addSql(`
      create table ${EVENTS} (
        "id" bigint not null default nextval('accounts.event_ids'),
        ${DEFINITIONS},
        "month" date not null default date_trunc('month', now() at time zone 'UTC'),
        constraint "account_events_pkey" primary key ("id", "month")
      ) partition by list ("month")`);
    this.addSql(`alter sequence "accounts"."event_ids" owned by ${EVENTS}."id"`);
    // For a month that nobody has made, so that no event is lost.
    this.addSql(`create table "accounts"."account_events_other" partition of ${EVENTS} default`);
    this.addSql(`
      create function "accounts"."make_event_month"("month" date) returns void language plpgsql as $$
        begin
          execute format(
            'create table accounts.%I partition of accounts.account_events for values in (%L)',
            'account_events_' || to_char("month", 'YYYY_MM'), "month");
        exception
          when duplicate_table or check_violation then null; -- there are events of this month among the others
        end $$`);
    this.addSql(
      `select "accounts"."make_event_month"("month"::date) from (
         select distinct date_trunc('month', "occurred_at" at time zone 'UTC') as "month" from "accounts"."former_events"
       ) as "months"`,
    );
    this.addSql(`
      insert into ${EVENTS} (${COLUMNS}, "month")
      select ${COLUMNS}, date_trunc('month', "occurred_at" at time zone 'UTC') from "accounts"."former_events"`);
    this.addSql(`select setval('accounts.event_ids', coalesce(max("id"), 0) + 1, false) from ${EVENTS}`);
    this.addSql(`drop table "accounts"."former_events"`);
    for (const sql of CONSTRAINTS) this.addSql(sql);
    this.addSql(
      `create unique index "account_events_repetition_key" on ${EVENTS} ("repetition_key", "month")
         where "repetition_key" is not null`,
    );

    // With the rights of whoever has migrated, because the role that serves may not create tables. Both tables are locked, or neither: then
    // the next day is early enough. Gives way long before PostgreSQL looks for a deadlock (deadlock_timeout, 1 s), which could end a login.
    this.addSql(`
      create function "accounts"."keep_event_months"("days" int) returns int
        language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '300ms' as $$
        declare
          since timestamptz := now() - make_interval(days => "days");
          outdated text[] := array(
            select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
            where inhparent = 'accounts.account_events'::regclass and relname ~ '^account_events_[0-9]{4}_[0-9]{2}$'
              and to_date(right(relname, 7), 'YYYY_MM') + interval '1 month' <= since);
          missing date[] := array(
            select first from generate_series(date_trunc('month', now() at time zone 'UTC'), now() at time zone 'UTC' +
              interval '3 months', interval '1 month') as first
            where to_regclass('accounts.account_events_' || to_char(first, 'YYYY_MM')) is null);
          partition text;
          first_day date;
        begin
          delete from accounts.account_events_other as other where other."month" + interval '1 month' <= since;
          if outdated = '{}' and missing = '{}' then return 0; end if;
          lock table accounts.users, accounts.account_events in access exclusive mode;
          foreach first_day in array missing loop perform accounts.make_event_month(first_day); end loop;
          foreach partition in array outdated loop execute format('drop table accounts.%I', partition); end loop;
          return cardinality(outdated);
        exception when lock_not_available then return 0;
        end $$`);
    this.addSql(`revoke execute on function "accounts"."keep_event_months"(int) from public`);
    this.addSql(`revoke execute on function "accounts"."make_event_month"(date) from public`);
    this.addSql(`select "accounts"."keep_event_months"(365000)`);
  }

  override down(): void {
    this.addSql(`drop function "accounts"."keep_event_months"(int)`);
    this.addSql(`drop function "accounts"."make_event_month"(date)`);
    this.#setAside();
    this.addSql(`
      create table ${EVENTS} (
        "id" bigint generated always as identity primary key,
        ${DEFINITIONS}
      )`);
    this.addSql(`
      insert into ${EVENTS} (${COLUMNS}) overriding system value select ${COLUMNS} from "accounts"."former_events"`);
    this.addSql(
      `select setval(pg_get_serial_sequence('accounts.account_events', 'id'), coalesce(max("id"), 0) + 1, false) from ${EVENTS}`,
    );
    this.addSql(`drop table "accounts"."former_events"`);
    for (const sql of CONSTRAINTS) this.addSql(sql);
    this.addSql(
      `create unique index "account_events_repetition_key" on ${EVENTS} ("repetition_key") where "repetition_key" is not null`,
    );
  }

  /** Without what has a name that the new table needs. */
  #setAside(): void {
    this.addSql(`alter table ${EVENTS} rename to "former_events"`);
    this.addSql(`drop trigger "account_events_append_only" on "accounts"."former_events"`);
    this.addSql(
      `alter table "accounts"."former_events" drop constraint "account_events_pkey", drop constraint "account_events_user_id_foreign"`,
    );
    for (const index of ["user_id_id_index", "occurred_at_index", "repetition_key"])
      this.addSql(`drop index "accounts"."account_events_${index}"`);
  }
}

// Repeated events are counted in one row, so that nobody can fill the audit trail by repeating what is refused.
import { Migration } from "@mikro-orm/migrations";

const FUNCTION = `"accounts"."account_events_account_events_append_only_fn"()`;

export class CountedEvents extends Migration {
  override up(): void {
    this.addSql(`
      alter table "accounts"."account_events"
        add column "count" int not null default 1,
        add column "last_occurred_at" timestamptz(3) null,
        add column "repetition_key" uuid null`);
    this.addSql(`
      create unique index "account_events_repetition_key" on "accounts"."account_events" ("repetition_key")
        where repetition_key is not null`);
    this.addSql(`
      create or replace function ${FUNCTION} returns trigger as
        $$ begin if to_jsonb(new) - array['count', 'last_occurred_at'] <> to_jsonb(old) - array['count', 'last_occurred_at'] or new.count <> old.count + 1 then raise exception 'account_events is append-only'; end if; return new; end; $$ language plpgsql`);
  }

  override down(): void {
    this.addSql(`
      create or replace function ${FUNCTION} returns trigger as
        $$ begin raise exception 'account_events is append-only'; end; $$ language plpgsql`);
    this.addSql(`
      alter table "accounts"."account_events"
        drop column "count", drop column "last_occurred_at", drop column "repetition_key"`);
  }
}

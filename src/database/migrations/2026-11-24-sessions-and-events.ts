// Adds sessions with refresh tokens, email address changes, the audit trail, and deactivation and deletion of users.
import { Migration } from "@mikro-orm/migrations";

export class SessionsAndEvents extends Migration {
  override up(): void {
    this.addSql(`
      alter table "accounts"."users"
        add column "deactivated_at" timestamptz(3) null,
        add column "erase_at" timestamptz(3) null`);
    this.addSql(`
      create index "users_erase_at_index" on "accounts"."users" ("erase_at") where "erase_at" is not null`);
    // For the list of users: ordered by registration, and searched by the beginning of a username or email address.
    this.addSql(`create index "users_created_at_id_index" on "accounts"."users" ("created_at", "id")`);
    this.addSql(`
      create index "users_username_prefix_index" on "accounts"."users" ("username_key" text_pattern_ops)`);
    this.addSql(
      `create index "users_email_prefix_index" on "accounts"."users" ("email_key" text_pattern_ops)`,
    );

    this.addSql(`
      create table "accounts"."sessions" (
        "id" uuid not null primary key,
        "user_id" uuid not null,
        "address" text null,
        "user_agent" text null,
        "created_at" timestamptz(3) not null,
        "last_used_at" timestamptz(3) not null,
        "expires_at" timestamptz(3) not null,
        constraint "sessions_user_id_foreign" foreign key ("user_id")
          references "accounts"."users" ("id") on delete cascade
      )`);
    this.addSql(`create index "sessions_user_id_index" on "accounts"."sessions" ("user_id")`);
    this.addSql(`create index "sessions_expires_at_index" on "accounts"."sessions" ("expires_at")`);

    this.addSql(`
      create table "accounts"."refresh_tokens" (
        "hash" bytea not null primary key,
        "session_id" uuid not null,
        "spent_at" timestamptz(3) null,
        constraint "refresh_tokens_session_id_foreign" foreign key ("session_id")
          references "accounts"."sessions" ("id") on delete cascade
      )`);
    this.addSql(
      `create index "refresh_tokens_session_id_index" on "accounts"."refresh_tokens" ("session_id")`,
    );

    this.addSql(`
      create table "accounts"."email_changes" (
        "id" uuid not null primary key,
        "user_id" uuid not null,
        "old_email" text not null,
        "new_email" text not null,
        "is_undo" boolean not null,
        "requested_at" timestamptz(3) not null,
        constraint "email_changes_user_id_foreign" foreign key ("user_id")
          references "accounts"."users" ("id") on delete cascade
      )`);
    this.addSql(`create index "email_changes_user_id_index" on "accounts"."email_changes" ("user_id")`);
    this.addSql(
      `create index "email_changes_requested_at_index" on "accounts"."email_changes" ("requested_at")`,
    );

    this.addSql(`
      create table "accounts"."account_events" (
        "id" bigint generated always as identity primary key,
        "user_id" uuid null,
        "type" text not null,
        "occurred_at" timestamptz(3) not null,
        "address" text null,
        "user_agent" text null,
        "actor" text not null,
        "actor_id" uuid null,
        constraint "account_events_user_id_foreign" foreign key ("user_id")
          references "accounts"."users" ("id") on delete cascade
      )`);
    this.addSql(
      `create index "account_events_user_id_id_index" on "accounts"."account_events" ("user_id", "id")`,
    );
    this.addSql(
      `create index "account_events_occurred_at_index" on "accounts"."account_events" ("occurred_at")`,
    );
    // Append-only: rows are deleted with their user or after the retention period, but never updated.
    this.addSql(`
      create function "accounts"."account_events_account_events_append_only_fn"() returns trigger as
        $$ begin raise exception 'account_events is append-only'; end; $$ language plpgsql`);
    this.addSql(`
      create trigger "account_events_append_only" before update on "accounts"."account_events"
        for each row execute function "accounts"."account_events_account_events_append_only_fn"()`);
  }

  override down(): void {
    for (const table of ["account_events", "email_changes", "refresh_tokens", "sessions"])
      this.addSql(`drop table "accounts"."${table}"`);
    this.addSql(`drop function "accounts"."account_events_account_events_append_only_fn"()`);
    for (const index of ["created_at_id", "username_prefix", "email_prefix"])
      this.addSql(`drop index "accounts"."users_${index}_index"`);
    this.addSql(`alter table "accounts"."users" drop column "deactivated_at", drop column "erase_at"`);
  }
}

// Creates the table of users, in its own schema because a table `users` in `public` belongs to another application.
import { Migration } from "@mikro-orm/migrations";

export class Users extends Migration {
  override up(): void {
    this.addSql(`
      create table "accounts"."users" (
        "id" uuid not null primary key,
        "username" text not null,
        "email" text not null,
        "username_key" text not null generated always as (lower("username" collate "C")) stored,
        "email_key" text not null generated always as (lower("email" collate "C")) stored,
        "password_hash" text not null,
        "roles" text[] not null,
        "is_active" boolean not null,
        "confirmation_expires_at" timestamptz(3) null,
        "credential_version" int not null,
        "created_at" timestamptz(3) not null,
        "updated_at" timestamptz(3) not null,
        constraint "users_username_key" unique ("username_key"),
        constraint "users_email_key" unique ("email_key", "is_active"),
        constraint "users_pending_check" check ("is_active" = ("confirmation_expires_at" is null)),
        constraint "users_roles_check" check ("roles" <@ array['USER', 'ADMIN'])
      )`);
    // For the daily removal of accounts that were never confirmed.
    this.addSql(`
      create index "users_confirmation_expires_at_index" on "accounts"."users" ("confirmation_expires_at")
        where not "is_active"`);
  }

  override down(): void {
    this.addSql(`drop table "accounts"."users"`);
  }
}

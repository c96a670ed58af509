// Refresh tokens are derived from their session and no longer stored. Those issued before are void: everybody logs in once.
import { Migration } from "@mikro-orm/migrations";

export class DerivedRefreshTokens extends Migration {
  override up(): void {
    this.addSql(`alter table "accounts"."sessions" add column "used_token" int not null default 0`);
    this.addSql(`delete from "accounts"."sessions"`);
    this.addSql(`drop table "accounts"."refresh_tokens"`);
  }

  override down(): void {
    this.addSql(`delete from "accounts"."sessions"`);
    this.addSql(`alter table "accounts"."sessions" drop column "used_token"`);
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
  }
}

// Drops the table of stored refresh tokens, which nothing has written to since they are derived (2026-11-25-derived-refresh-tokens).
import { Migration } from "@mikro-orm/migrations";

export class RefreshTokens extends Migration {
  override up(): void {
    this.addSql(`drop table "accounts"."refresh_tokens"`);
  }

  override down(): void {
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

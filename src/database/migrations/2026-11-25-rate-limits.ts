// Adds the counts of the rate limits. The table is unlogged: its rows change with every login and matter for a day at most, so
// they need not survive a crash of PostgreSQL, nor reach a standby or a backup.
import { Migration } from "@mikro-orm/migrations";

export class RateLimits extends Migration {
  override up(): void {
    this.addSql(`
      create unlogged table "accounts"."rate_limits" (
        "key" bytea not null primary key,
        "count" int not null,
        "blocked_until" timestamptz not null,
        "resets_at" timestamptz not null
      ) with (fillfactor = 50)`);
  }

  override down(): void {
    this.addSql(`drop table "accounts"."rate_limits"`);
  }
}

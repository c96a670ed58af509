// Refresh tokens are derived from their session and no longer stored. Those issued before are void: everybody logs in once. The table
// of the stored ones stays, because servers of the former version write to it until they are replaced; 2026-11-29-refresh-tokens drops it.
import { Migration } from "@mikro-orm/migrations";

export class DerivedRefreshTokens extends Migration {
  override up(): void {
    this.addSql(`alter table "accounts"."sessions" add column "used_token" int not null default 0`);
    this.addSql(`delete from "accounts"."sessions"`);
  }

  override down(): void {
    this.addSql(`delete from "accounts"."sessions"`);
    this.addSql(`alter table "accounts"."sessions" drop column "used_token"`);
  }
}

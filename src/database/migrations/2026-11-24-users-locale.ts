// The language in which a user is written to.
import { Migration } from "@mikro-orm/migrations";

export class UsersLocale extends Migration {
  override up(): void {
    // With a default, for replicas of the version before, which do not name the column.
    this.addSql(`alter table "accounts"."users" add column "locale" text not null default 'en'`);
  }

  override down(): void {
    this.addSql(`alter table "accounts"."users" drop column "locale"`);
  }
}

// Adds the language of a user's emails.
import { Migration } from "@mikro-orm/migrations";

export class UsersLocale extends Migration {
  override up(): void {
    // Has a default for replicas of the previous version, which do not set the column.
    this.addSql(`alter table "accounts"."users" add column "locale" text not null default 'en'`);
  }

  override down(): void {
    this.addSql(`alter table "accounts"."users" drop column "locale"`);
  }
}

// In byte order, one index serves both equality and prefix searches, so each registration writes two indexes fewer.
import { Migration } from "@mikro-orm/migrations";

export class UsersKeyCollation extends Migration {
  override up(): void {
    for (const index of ["username_prefix", "email_prefix"])
      this.addSql(`drop index "accounts"."users_${index}_index"`);
    this.addSql(`
      alter table "accounts"."users"
        alter column "username_key" type text collate "C",
        alter column "email_key" type text collate "C"`);
  }

  override down(): void {
    this.addSql(`
      alter table "accounts"."users"
        alter column "username_key" type text collate "default",
        alter column "email_key" type text collate "default"`);
    for (const column of ["username", "email"])
      this.addSql(`
        create index "users_${column}_prefix_index" on "accounts"."users" ("${column}_key" text_pattern_ops)`);
  }
}

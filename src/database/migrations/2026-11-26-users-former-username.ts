// Adds the username that a user has given up, and until when it is kept from others.
import { Migration } from "@mikro-orm/migrations";

export class UsersFormerUsername extends Migration {
  override up(): void {
    this.addSql(`
      alter table "accounts"."users"
        add column "former_username" text null,
        add column "former_username_until" timestamptz(3) null`);
    this.addSql(`
      create index "users_former_username_index" on "accounts"."users" ("former_username")
        where "former_username" is not null`);
  }

  override down(): void {
    this.addSql(`
      alter table "accounts"."users" drop column "former_username", drop column "former_username_until"`);
  }
}

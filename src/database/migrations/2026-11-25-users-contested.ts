// Marks accounts whose email address more than one party has registered, and keeps with which device an account was registered.
import { Migration } from "@mikro-orm/migrations";

export class UsersContested extends Migration {
  override up(): void {
    // Has a default for replicas of the previous version, which do not set the columns.
    this.addSql(`
      alter table "accounts"."users"
        add column "is_contested" boolean not null default false,
        add column "registration_device" text null`);
  }

  override down(): void {
    this.addSql(`
      alter table "accounts"."users" drop column "is_contested", drop column "registration_device"`);
  }
}

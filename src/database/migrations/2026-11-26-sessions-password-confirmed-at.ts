// Adds when the password was last given in a session, which decides what an administrator may do to others.
import { Migration } from "@mikro-orm/migrations";

export class SessionsPasswordConfirmedAt extends Migration {
  override up(): void {
    this.addSql(`alter table "accounts"."sessions" add column "password_confirmed_at" timestamptz(3) null`);
  }

  override down(): void {
    this.addSql(`alter table "accounts"."sessions" drop column "password_confirmed_at"`);
  }
}

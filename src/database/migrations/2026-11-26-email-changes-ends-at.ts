// Adds when an undo of a change of the email address ends whose end was asked for.
import { Migration } from "@mikro-orm/migrations";

export class EmailChangesEndsAt extends Migration {
  override up(): void {
    this.addSql(`alter table "accounts"."email_changes" add column "ends_at" timestamptz(3) null`);
  }

  override down(): void {
    this.addSql(`alter table "accounts"."email_changes" drop column "ends_at"`);
  }
}

// Remembers when expired rows were last removed.
import { Migration } from "@mikro-orm/migrations";

export class CleanUps extends Migration {
  override up(): void {
    this.addSql(`
      create table "accounts"."clean_ups" (
        "id" smallint not null primary key,
        "ran_at" timestamptz(3) not null
      )`);
  }

  override down(): void {
    this.addSql(`drop table "accounts"."clean_ups"`);
  }
}

// A migration runs while servers of the former release serve: it may not hold a lock for as long as a big table takes to read or write.
// docs/contributing/new-column.md says how it is done instead.
import { Migration } from "@mikro-orm/migrations";
import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";

import { openDatabase } from "../src/app/open-database.ts";
import { MIGRATIONS } from "../src/database/orm.ts";
import { statementsOfMigrations } from "./support/migrations.ts";
import { createDatabase, query } from "./support/postgres.ts";
import { releaseFixture, releases } from "./support/release-fixture.ts";

/** What locks a table that has rows, and what is done instead. Short, and for the statements as we write them: no parser of SQL. */
const LONG_LOCKS: [statement: RegExp, instead: string][] = [
  [
    /^create (unique )?index (?!concurrently)/,
    "create index concurrently, in a migration without a transaction",
  ],
  [/^drop index (?!concurrently)/, "drop index concurrently, in a migration without a transaction"],
  [
    /\badd (constraint "?\w+"? )?(foreign key|check)\b(?!.*\bnot valid\b)/,
    "add constraint ... not valid, then validate constraint",
  ],
  [
    /\badd (constraint "?\w+"? )?(unique|primary key)\b(?!.*\busing index\b)/,
    "create unique index concurrently, then add constraint ... using index",
  ],
  [/\balter (column )?"?\w+"? (set data )?type\b/, "a new column, filled in small parts"],
  [
    /\balter (column )?"?\w+"? set not null\b/,
    "a check that is not valid, then validated; then set not null reads nothing",
  ],
  [
    /\badd (column )?"?\w+"? [^,]*\b(generated always as \(|default (gen_random_uuid|clock_timestamp|random)\b)/,
    "a new column without it, filled in small parts",
  ],
  [/^(vacuum full|cluster|reindex (?!.*concurrently))/, "nothing that writes a table anew"],
];

/** What to do instead of a statement; undefined if it locks nothing for long. Of a table made in the same migration, all is allowed. */
function longLock(statement: string, made: ReadonlySet<string>): string | undefined {
  const sql = statement.trim().toLowerCase().replaceAll(/\s+/g, " ");
  if ([...made].some((table) => sql.includes(table))) return undefined;
  return LONG_LOCKS.find(([pattern]) => pattern.test(sql))?.[1];
}

const longLocks = (statements: readonly string[]) => {
  const made = new Set(
    statements.flatMap(
      (sql) => /create table (?:if not exists )?("accounts"\."\w+")/i.exec(sql)?.[1]?.toLowerCase() ?? [],
    ),
  );
  return statements.flatMap((sql) => {
    const instead = longLock(sql, made);
    return instead === undefined ? [] : [`${sql.trim()} -- instead: ${instead}`];
  });
};

test("no migration since the first release holds a lock for long", async () => {
  const released = new Set(
    releases()
      .slice(0, 1)
      .flatMap((version) => Object.keys(releaseFixture(version).migrations)),
  );
  expect(released.size).toBeGreaterThan(0);
  const statements = await statementsOfMigrations(await createDatabase(inject("postgresUrl")));
  const faults = [...statements].flatMap(([name, sql]) =>
    released.has(name) ? [] : longLocks(sql).map((fault) => `${name}: ${fault}`),
  );
  expect(faults).toEqual([]);
});

const USERS = `"accounts"."users"`;
test.each([
  `create index "users_locale_index" on ${USERS} ("locale")`,
  `alter table ${USERS} add constraint "users_inviter_foreign" foreign key ("inviter") references ${USERS} ("id")`,
  `alter table ${USERS} add constraint "users_locale_check" check (locale <> '')`,
  `alter table ${USERS} add constraint "users_locale_key" unique ("locale")`,
  `alter table ${USERS} alter column "locale" type varchar(40)`,
  `alter table ${USERS} alter column "former_username" set not null`,
  `alter table ${USERS} add column "token" uuid not null default gen_random_uuid()`,
  `alter table ${USERS} add column "locale_key" text generated always as (lower(locale)) stored`,
])("is refused: %s", (sql) => {
  expect(longLocks([sql])).toHaveLength(1);
});

test.each([
  [`create index concurrently "users_locale_index" on ${USERS} ("locale")`],
  [`alter table ${USERS} add constraint "users_locale_check" check (locale <> '') not valid`],
  [`alter table ${USERS} validate constraint "users_locale_check"`],
  [`alter table ${USERS} add column "display_name" text null`],
  [`alter table ${USERS} add column "score" int not null default 0`],
  [
    `create table "accounts"."invitations" ("id" uuid primary key)`,
    `create index "i" on "accounts"."invitations" ("id")`,
  ],
])("is not refused: %s", (...statements) => {
  expect(longLocks(statements)).toEqual([]);
});

test("an index is made concurrently while other servers wait for their turn to migrate", async () => {
  class Concurrent extends Migration {
    override isTransactional() {
      return false;
    }
    override up() {
      this.addSql(`drop index concurrently if exists "accounts"."users_locale_index"`);
      this.addSql(`create index concurrently "users_locale_index" on "accounts"."users" ("locale")`);
    }
  }
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  MIGRATIONS.push({ name: "2099-01-01-concurrent", class: Concurrent });
  onTestFinished(() => void MIGRATIONS.pop());
  // Keeps the index waiting until the other server waits, too.
  const writer = new pg.Client({ connectionString: databaseUrl });
  await writer.connect();
  onTestFinished(() => writer.end());
  await writer.query("begin");
  await writer.query("update accounts.users set locale = locale");

  const told: string[] = [];
  const servers = [0, 1].map(async () => {
    const orm = await openDatabase(databaseUrl, true, (message) => told.push(message));
    onTestFinished(() => orm.close());
  });
  const building = "select 1 from pg_stat_progress_create_index where datname = current_database()";
  await expect.poll(() => query(databaseUrl, building)).toHaveLength(1);
  await expect.poll(() => told).toEqual([expect.stringContaining("is being migrated by another server")]);
  await writer.query("commit");
  await Promise.all(servers);

  expect(
    await query(
      databaseUrl,
      "select indisvalid from pg_index where indexrelid = 'accounts.users_locale_index'::regclass",
    ),
  ).toEqual([{ indisvalid: true }]);
});

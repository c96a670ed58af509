// The tables are what the entities say.
import { expect, inject, onTestFinished, test } from "vitest";

import { AccountEvent } from "../src/accounts/model/account-event.entity.ts";
import { migrateDatabase } from "../src/app/open-database.ts";
import { connectOrm } from "../src/database/orm.ts";
import { createDatabase, query } from "./support/postgres.ts";

test("migrated tables leave nothing for a migration to change", async () => {
  const orm = await connectOrm(await createDatabase(inject("postgresUrl")), "long work");
  onTestFinished(() => orm.close());
  expect(await orm.migrator.checkSchema()).toBe(false);
});

test("the audit trail, which is partitioned, has the columns of its entity", async () => {
  const url = await createDatabase(inject("postgresUrl"));
  const orm = await connectOrm(url, "long work");
  onTestFinished(() => orm.close());
  const columns = await query<{ name: string; nullable: boolean; type: string }>(
    url,
    `select attname as name, not attnotnull as nullable, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = 'accounts.account_events'::regclass and attnum > 0 and attname <> 'month'`,
  );
  const properties = Object.values(orm.getMetadata().get(AccountEvent).properties);
  const declared = properties.map(({ fieldNames, nullable, columnTypes }) => ({
    name: fieldNames[0]!,
    nullable: nullable ?? false,
    type: columnTypes[0]!,
  }));
  const byName = (one: { name: string }, other: { name: string }) => one.name.localeCompare(other.name);
  const inWords = { int: "integer", bigserial: "bigint", "timestamptz(3)": "timestamp(3) with time zone" };
  expect(
    declared
      .map((column) => ({ ...column, type: (inWords as Record<string, string>)[column.type] ?? column.type }))
      .sort(byName),
  ).toEqual(columns.sort(byName));
});

test("the migrations can be taken back and applied again", async () => {
  const orm = await connectOrm(await createDatabase(inject("postgresUrl")), "long work");
  onTestFinished(() => orm.close());
  await orm.migrator.down({ to: 0 });
  await orm.migrator.up();
  expect(await orm.migrator.checkSchema()).toBe(false);
});

test("in a database of any collation, the beginning of a name or an address is found by an index", async () => {
  const url = new URL(inject("postgresUrl"));
  await query(url.href, "create database icu template template0 locale_provider icu icu_locale 'en-US'");
  url.pathname = "/icu";
  const orm = await connectOrm(url.href, "long work");
  onTestFinished(() => orm.close());
  await migrateDatabase(orm, url.href);
  await orm.em.fork().transactional(async (em) => {
    await em.execute("set local enable_seqscan = off");
    for (const column of ["username_key", "email_key"]) {
      const plan = await em.execute(`explain select from accounts.users where ${column} like 'ad%'`);
      expect(JSON.stringify(plan)).toContain(`Index Cond: ((${column} >= 'ad'::text)`);
    }
  });
  expect(await orm.migrator.checkSchema()).toBe(false);
});

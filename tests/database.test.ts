// The tables are what the entities say.
import { expect, inject, onTestFinished, test } from "vitest";

import { connectOrm } from "../src/database/orm.ts";
import { createDatabase } from "./support/postgres.ts";

test("migrated tables leave nothing for a migration to change", async () => {
  const orm = await connectOrm(await createDatabase(inject("postgresUrl")));
  onTestFinished(() => orm.close());
  expect(await orm.migrator.checkSchema()).toBe(false);
});

test("the migrations can be taken back and applied again", async () => {
  const orm = await connectOrm(await createDatabase(inject("postgresUrl")));
  onTestFinished(() => orm.close());
  await orm.migrator.down({ to: 0 });
  await orm.migrator.up();
  expect(await orm.migrator.checkSchema()).toBe(false);
});

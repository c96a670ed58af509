// A newer version changes the tables: while this one serves, or before this one starts.
import { describe, expect, inject, test } from "vitest";

import { tally } from "../support/hold-back.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { startProcess, type ProcessOptions } from "../support/process.ts";
import { PASSWORD, startServer } from "../support/server.ts";

test.each([
  ["gets a column", "alter table accounts.users add column shoe_size int"],
  ["has the type of a column changed", "alter table accounts.users alter column locale type varchar(40)"],
])("no request or mail fails when the table of users %s", async (_what, migration) => {
  const server = await startServer();
  const { accessToken, email } = await server.activePerson("ada");
  const door = server.as(accessToken);
  const everything = async () => {
    const logins = Array.from({ length: 20 }, () => server.login({ username: "ada", password: PASSWORD }));
    const byEmail = Array.from({ length: 20 }, () => server.requestReset({ email }));
    const reads = Array.from({ length: 50 }, () => door.me());
    return tally(await Promise.all([...logins, ...byEmail, ...reads]));
  };
  expect(await everything()).toEqual({ done: 90 }); // by now every connection has prepared its statements

  await server.query(migration);

  expect(await everything()).toEqual({ done: 90 });
  await server.mailsSettled();
  expect(server.subjectsTo(email).filter((subject) => /reset/i.test(subject!))).toHaveLength(40);
  expect(
    await server.query("select id from accounts_queue.job where name = 'mail' and retry_count > 0"),
  ).toEqual([]);
});

describe.each([
  [
    "a migration",
    "insert into accounts.migrations (name) values ('2099-12-31-users-shoe-size')",
    "the migration 2099-12-31-users-shoe-size",
  ],
  [
    "another queue",
    "update accounts_queue.version set version = version + 1",
    "the tables of the mail queue",
  ],
])("on tables of a newer version, told by %s,", (_what, upgrade, unknown) => {
  test.each<[string, ProcessOptions]>([
    ["a server", { script: "dist/bin/serve.js" }],
    ["a server that does not migrate", { script: "dist/bin/serve.js", env: { MIGRATE_ON_START: "false" } }],
    ["npm run migrate", { script: "dist/bin/migrate.js" }],
    ["npm run account", { script: "dist/bin/account.js", args: ["list"] }],
  ])("%s refuses to start, says why, and leaves them as they are", async (_name, start) => {
    const databaseUrl = await createDatabase(inject("postgresUrl"));
    await query(databaseUrl, upgrade);
    const tables = () =>
      query(
        databaseUrl,
        "select table_schema, table_name, column_name from information_schema.columns where table_schema ~ '^accounts' order by 1, 2, 3",
      );
    const before = await tables();

    const process = await startProcess({
      ...start,
      env: {
        DATABASE_URL: databaseUrl,
        JWT_SECRET: "a secret of this test, at least 32 bytes long",
        MAIL_SERVER: "127.0.0.1",
        ...start.env,
      },
    });

    expect(await process.exited()).toBe(1);
    expect(process.output).toBe(
      `The database's tables are newer than this version, which does not know ${unknown}: use the version that has migrated them, ` +
        "or restore a backup from before.\n",
    );
    expect(await tables()).toEqual(before);
  });
});

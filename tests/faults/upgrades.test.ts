// A newer version changes the tables while this one serves.
import { expect, test } from "vitest";

import { tally } from "../support/hold-back.ts";
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

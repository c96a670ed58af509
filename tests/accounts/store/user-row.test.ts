// Statements read and write a user as the ORM does.
import { expect, onTestFinished, test } from "vitest";

import { User } from "../../../src/accounts/model/user.entity.ts";
import { findByName } from "../../../src/accounts/store/users.ts";
import { USER_COLUMNS } from "../../../src/accounts/store/user-row.ts";
import { connectOrm } from "../../../src/database/orm.ts";
import { startServer } from "../../support/server.ts";

test("every column of a user is read by a statement as the ORM reads it", async () => {
  const server = await startServer();
  const { username } = await server.activePerson("ada");
  await server.query(
    `update accounts.users set locale = 'pt-BR', roles = '{USER,ADMIN}', deactivated_at = now(),
       erase_at = now() + interval '1 day', former_username = 'lovelace',
       former_username_until = now() + interval '1 day'`,
  );
  const orm = await connectOrm(server.databaseUrl, "long work");
  onTestFinished(() => orm.close());

  const byOrm = await orm.em.fork().findOneOrFail(User, { username });
  const byStatement = await findByName(orm.em, username);

  const { properties } = orm.getMetadata(User);
  const columns = Object.values(properties).map(({ name, fieldNames }) => [name, ...fieldNames]);
  expect(Object.entries(USER_COLUMNS).sort()).toEqual(columns.sort());
  for (const name of Object.keys(USER_COLUMNS) as (keyof typeof USER_COLUMNS)[])
    expect(byStatement?.[name], name).toEqual(byOrm[name]);
  expect(byStatement).toBeInstanceOf(User);
});

// `npm run account -- verify`: all that must hold of the tables is found to hold, or is found broken with what breaks it.
import { expect, test } from "vitest";

import { startProcess } from "../support/process.ts";
import { PASSWORD, startServer, type TestServer } from "../support/server.ts";

async function verify({ databaseUrl }: TestServer): Promise<{ lines: string[]; code: number | null }> {
  const command = await startProcess({
    env: { DATABASE_URL: databaseUrl },
    script: "dist/bin/account.js",
    args: ["verify"],
  });
  const code = await command.exited();
  return { lines: command.output.trimEnd().split("\n"), code };
}

test("everything holds after whatever people and administrators do", async () => {
  const server = await startServer();
  const admin = await server.admin();
  await server.registerPerson("waits");
  const ada = await server.activePerson("ada");
  server.succeed(await server.login(ada));
  await server.changeEmail(ada, "lovelace@example.com");
  const token = await server.askForReset("lovelace@example.com");
  const { accessToken } = server.succeed(await server.finalizeReset({ token, password: `${PASSWORD}!` }));
  server.succeed(await server.as(accessToken).changeUsername({ username: "lovelace" }));
  server.succeed(await server.as(accessToken).logoutEverywhere());
  const bob = await server.activePerson("bob");
  server.succeed(await server.as(bob.accessToken).deleteAccount(bob));
  const eve = await server.activePerson("eve");
  server.succeed(await server.as(admin.accessToken).deactivateUser({ id: eve.id }));

  const { lines, code } = await verify(server);

  expect(lines.filter((line) => !line.startsWith("holds   "))).toEqual([
    expect.stringMatching(/^(\d+) of \1 hold\.$/),
  ]);
  expect(code).toBe(0);
});

test("whatever is broken is found, with whom it concerns", async () => {
  const server = await startServer();
  const people = [];
  for (let index = 0; index < 12; index += 1) people.push(await server.activePerson(`person${index}`));
  await server.mailsSettled();
  const [name, email, waits, locked, crowd, unknown, survivor, nobody, twice, version, deleted, mail] =
    people.map(({ id }) => id);
  const event = (type: string) =>
    `insert into accounts.account_events (user_id, type, occurred_at, actor) select id, '${type}', now(), 'ADMIN'
     from accounts.users where id = $1`;
  const sessionOf = async (id: string) =>
    (await server.query<{ id: string }>("select id from accounts.sessions where user_id = $1", [id]))[0]!.id;

  await server.query(
    "alter table accounts.users drop constraint users_username_key, drop constraint users_email_key",
  );
  const breaking: [promise: RegExp, sql: string, user: string, tells?: string][] = [
    [/username belongs/, "update accounts.users set username = 'PERSON1' where id = $1", name!],
    [
      /email address belongs/,
      "update accounts.users set email = 'Person2@example.com' where id = $1",
      email!,
    ],
    [/waits for a confirmation/, "update accounts.users set is_contested = true where id = $1", waits!],
    [
      /who may be logged in/,
      "update accounts.users set deactivated_at = now() where id = $1",
      locked!,
      await sessionOf(locked!),
    ],
    [
      /more than 100 sessions/,
      `insert into accounts.sessions (id, user_id, created_at, last_used_at, expires_at)
       select gen_random_uuid(), user_id, created_at, last_used_at, expires_at
       from accounts.sessions, generate_series(1, 100) where user_id = $1`,
      crowd!,
    ],
    [
      /how each session began/,
      "update accounts.sessions set created_at = created_at + interval '1 second' where user_id = $1",
      unknown!,
      await sessionOf(unknown!),
    ],
    [/ended all sessions/, event("SESSIONS_ENDED"), survivor!, await sessionOf(survivor!)],
    [
      /how each account began/,
      "delete from accounts.account_events where user_id = $1 and type = 'REGISTERED'",
      nobody!,
    ],
    [/confirmed once/, event("ACTIVATED"), twice!],
    [
      /ended the links and tokens/,
      "update accounts.users set credential_version = 1 where id = $1",
      version!,
    ],
    [/deactivated if the audit trail/, "select $1::uuid", locked!],
    [/deleted if the audit trail/, event("DELETION_REQUESTED"), deleted!],
    [/has its email/, "delete from accounts_queue.job where data->>'userId' = $1::text", mail!],
  ];
  for (const [, sql, user] of breaking) await server.query(sql, [user]);

  const { lines, code } = await verify(server);

  expect(code).toBe(1);
  expect(lines.at(-1)).toBe(`0 of ${breaking.length} hold.`);
  for (const [promise, , user, tells = user] of breaking) {
    const line = lines.find((line) => promise.test(line))!;
    expect(line).toMatch(/^BROKEN /);
    if (promise.source.includes("belongs")) expect(line).toContain(": 1 does not, such as ");
    else expect(line).toContain(tells);
  }
});

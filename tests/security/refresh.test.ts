// What a copied refresh token is worth, and that no clock and no outage makes its owner a thief.
import { expect, test } from "vitest";

import { DAY, MINUTE, startServer, type TestServer } from "../support/server.ts";

async function refresh(server: TestServer, refreshToken: string | null): Promise<string> {
  return server.succeed(await server.refreshSession({ refreshToken })).refreshToken!;
}

test("a thief who refreshes right after the owner is thrown out by the owner's next refresh", async () => {
  const server = await startServer();
  const { refreshToken: stolen } = await server.activePerson("ada");
  const owners = await refresh(server, stolen);
  const thiefs = await refresh(server, stolen);

  await refresh(server, owners);
  await refresh(server, thiefs); // the same token, so the same successor: no chain of the thief's own
  server.refuse(await server.refreshSession({ refreshToken: stolen }), "INVALID_TOKEN");

  expect(await server.query("select id from accounts.sessions")).toEqual([]);
  const events = await server.query<{ type: string }>("select type from accounts.account_events order by id");
  expect(events.at(-1)!.type).toBe("REFRESH_TOKEN_REUSED");
});

test("whoever goes on with an older token than the other ends the session of both", async () => {
  const server = await startServer();
  const { refreshToken: stolen } = await server.activePerson("ada");
  let owners = await refresh(server, stolen);
  for (let day = 0; day < 3; day += 1) owners = await refresh(server, owners);

  server.refuse(await server.refreshSession({ refreshToken: stolen }), "INVALID_TOKEN");

  server.refuse(await server.refreshSession({ refreshToken: owners }), "INVALID_TOKEN");
});

test("an owner whose answer was lost in an outage of a day is not signed out as a thief", async () => {
  const server = await startServer();
  const { refreshToken } = await server.activePerson("ada");
  const lost = await refresh(server, refreshToken);
  server.advance(DAY);

  expect(await refresh(server, refreshToken)).toBe(lost);

  await refresh(server, lost);
});

test("a server whose clock is behind revives no used token, and one whose clock is ahead ends no session", async () => {
  const server = await startServer();
  const { refreshToken: first } = await server.activePerson("ada");
  const behind = await startServer({ databaseUrl: server.databaseUrl });
  behind.freezeAt(new Date(Date.now() - 5 * MINUTE));
  const second = await refresh(server, first);

  expect(await refresh(behind, first)).toBe(second);
  const third = await refresh(behind, second);
  await refresh(server, third);

  behind.refuse(await behind.refreshSession({ refreshToken: second }), "INVALID_TOKEN");
});

test("many refreshes with one token make one successor and no rows", async () => {
  const server = await startServer();
  const { refreshToken } = await server.activePerson("ada");

  const answers = await Promise.all(
    Array.from({ length: 30 }, () => server.refreshSession({ refreshToken })),
  );

  expect(new Set(answers.map((answer) => server.succeed(answer).refreshToken)).size).toBe(1);
  expect(await server.query("select id from accounts.sessions")).toHaveLength(1);
});

test("another JWT_SECRET ends refresh tokens too", async () => {
  const server = await startServer();
  const { refreshToken } = await server.activePerson("ada");
  const rekeyed = await startServer({
    databaseUrl: server.databaseUrl,
    env: { JWT_SECRET: "another secret of this test, also 32 bytes long" },
  });

  rekeyed.refuse(await rekeyed.refreshSession({ refreshToken }), "INVALID_TOKEN");

  await refresh(server, refreshToken); // the session itself was left alone
});

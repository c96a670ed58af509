// The username that somebody gave up, as a way to pass for them. Each test is named by what it prevents.
import { expect, test } from "vitest";

import { meetAt } from "../support/hold-back.ts";
import type { Answer } from "../support/graphql.ts";
import { DAY, MINUTE, PASSWORD, startServer, type ActivePerson, type TestServer } from "../support/server.ts";

const rename = (server: TestServer, { accessToken }: ActivePerson, username: string) =>
  server.as(accessToken).changeUsername({ username });
const registerAs = (server: TestServer, username: string) =>
  server.register({ username, email: "mallory@example.com", password: PASSWORD });

test("an impostor does not get it for 30 days, neither by registering nor by renaming", async () => {
  const server = await startServer();
  const ada = await server.activePerson("ada");
  const mallory = await server.activePerson("mallory", "mallory-2@example.com");
  server.succeed(await rename(server, ada, "lovelace"));

  server.refuse(await registerAs(server, "ADA"), "USERNAME_TAKEN");
  server.refuse(await rename(server, mallory, "Ada"), "USERNAME_TAKEN");

  server.advance(30 * DAY + MINUTE);
  server.succeed(await registerAs(server, "ada"));
});

test("an impostor does not get it while the owner is still being renamed", async () => {
  const server = await startServer();
  const ada = await server.activePerson("ada");

  const [, registered] = await meetAt<Answer<unknown>[]>(
    server,
    "users",
    () => rename(server, ada, "lovelace"),
    () => registerAs(server, "ada"),
  );

  server.refuse(registered!, "USERNAME_TAKEN");
});

test("a thief does not free it by renaming twice, and the owner can go back to it", async () => {
  const server = await startServer();
  const ada = await server.activePerson("ada");
  server.succeed(await rename(server, ada, "first"));
  server.succeed(await rename(server, ada, "second"));

  server.refuse(await registerAs(server, "ada"), "USERNAME_TAKEN");

  expect(server.succeed(await rename(server, ada, "Ada")).username).toBe("Ada");
  server.succeed(await registerAs(server, "second"));
});

test("one user does not hold many names: only the one of before is kept", async () => {
  const server = await startServer();
  const ada = await server.activePerson("ada");
  for (const username of ["first", "second", "third"]) server.succeed(await rename(server, ada, username));
  server.succeed(await registerAs(server, "second"));
});

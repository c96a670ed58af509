// What every change of one's own account asks for: the current password and a good token.
import { describe, expect, test } from "vitest";

import type { Answer } from "../support/graphql.ts";
import { PASSWORD, sharedServer, type TestServer } from "../support/server.ts";

const NEW_PASSWORD = "a new battery staple";

describe("every change", () => {
  const shared = sharedServer();
  const changes: Record<
    string,
    (server: TestServer, token: string, password: string) => Promise<Answer<unknown>>
  > = {
    changePassword: (server, token, currentPassword) =>
      server.as(token).changePassword({ currentPassword, newPassword: NEW_PASSWORD }),
    requestEmailChange: (server, token, password) =>
      server.as(token).requestEmailChange({ newEmail: "new@example.com", password }),
    deleteAccount: (server, token, password) => server.as(token).deleteAccount({ password }),
    exportAccount: (server, token, password) => server.as(token).exportAccount({ password }),
  };
  const names = Object.keys(changes);

  test.each(names)("%s is refused with a wrong password, and changes nothing", async (name) => {
    const server = shared();
    const { accessToken } = await server.activePerson(name);
    await server.mailsSettled();
    const before = await server.state();

    const error = server.refuse(await changes[name]!(server, accessToken, "wrong"), "INVALID_CREDENTIALS");

    expect(error.extensions.field).toBe(name === "changePassword" ? "currentPassword" : "password");
    expect(await server.state()).toEqual(before);
    server.succeed(await server.as(accessToken).me());
  });

  test.each(names)("%s is refused with a password that cannot be one", async (name) => {
    const server = shared();
    const { accessToken } = await server.activePerson(`nul-${name}`);
    server.refuse(await changes[name]!(server, accessToken, "a\0b"), "BAD_USER_INPUT");
  });

  test.each([...names, "changeUsername"])("%s is refused without a good token", async (name) => {
    const server = shared();
    const change = changes[name] ?? ((_, token) => server.as(token).changeUsername({ username: "other" }));
    server.refuse(await change(server, "no token", PASSWORD), "UNAUTHENTICATED");
  });
});

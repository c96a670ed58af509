// changePassword: what it ends, what it continues, and which passwords it refuses.
import { describe, expect, test } from "vitest";

import { meetAt, tally } from "../../support/hold-back.ts";
import { PASSWORD, startServer } from "../../support/server.ts";

const NEW_PASSWORD = "a new battery staple";

describe("changePassword", () => {
  const args = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };

  test("ends every session, logs this device in again, and tells the owner", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const other = server.succeed(await server.login({ username: "ada", password: PASSWORD }));

    const changed = server.succeed(await server.as(ada.accessToken).changePassword(args));

    expect(server.succeed(await server.as(changed.accessToken).sessions())).toMatchObject([
      { current: true },
    ]);
    server.succeed(await server.refreshSession(changed));
    for (const { accessToken, refreshToken } of [ada, other]) {
      server.refuse(await server.as(accessToken).me(), "UNAUTHENTICATED");
      server.refuse(await server.refreshSession({ refreshToken }), "INVALID_TOKEN");
    }
    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "INVALID_CREDENTIALS");
    server.succeed(await server.login({ username: "ada", password: NEW_PASSWORD }));
    await server.mailsSettled();
    expect(server.subjectsTo(ada.email).at(-1)).toBe("Your password for Account Server was changed");
  });

  test("kills the links of before", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const reset = await server.askForReset(ada.email);
    const change = await server.askForEmailChange(ada, "lovelace@example.com");

    server.succeed(await server.as(ada.accessToken).changePassword(args));

    server.refuse(await server.finalizeReset({ token: reset, password: "a third battery" }), "INVALID_TOKEN");
    server.refuse(await server.finalizeEmailChange({ token: change }), "INVALID_TOKEN");
    expect(await server.query("select email from accounts.users")).toEqual([{ email: ada.email }]);
  });

  test.each(["short", "password123", "ada-lovelace", "ada-lovelace@example.com", "x".repeat(129)])(
    "refuses %s as weak",
    async (newPassword) => {
      const server = await startServer();
      const { accessToken } = await server.activePerson("ada-lovelace");
      const answer = await server.as(accessToken).changePassword({ currentPassword: PASSWORD, newPassword });
      expect(server.refuse(answer, "WEAK_PASSWORD").extensions.field).toBe("newPassword");
      server.succeed(await server.as(accessToken).me());
    },
  );

  test("twice at once changes the password once", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const passwords = [1, 2].map((index) => `${NEW_PASSWORD} ${index}`);
    const change = (newPassword: string) => () =>
      server.as(ada.accessToken).changePassword({ currentPassword: PASSWORD, newPassword });

    const answers = await meetAt(server, "users", change(passwords[0]!), change(passwords[1]!));

    expect(tally(answers)).toEqual({ done: 1, UNAUTHENTICATED: 1 });
    const logins = await Promise.all(
      passwords.map((password) => server.login({ username: "ada", password })),
    );
    expect(logins.map(({ errors }) => errors.length)).toEqual(answers.map(({ errors }) => errors.length));
  });

  test("of a device that is being signed out is refused", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");

    const [loggedOut, changed] = await meetAt(
      server,
      "sessions",
      () => server.as(ada.accessToken).logoutEverywhere(),
      () => server.as(ada.accessToken).changePassword(args),
    );

    server.succeed(loggedOut);
    if (changed.data) server.refuse(await server.as(changed.data.accessToken).me(), "UNAUTHENTICATED");
    else server.refuse(changed, "UNAUTHENTICATED");
  });
});

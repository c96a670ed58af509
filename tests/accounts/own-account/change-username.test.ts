// changeUsername: which names are free, and who gets one that two want at once.
import { describe, expect, test } from "vitest";

import type { Answer } from "../../support/graphql.ts";
import { meetAt, tally } from "../../support/hold-back.ts";
import { DAY, MINUTE, PASSWORD, startServer } from "../../support/server.ts";

describe("changeUsername", () => {
  test("takes a new name, and tells the owner by mail", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");

    const user = server.succeed(await server.as(ada.accessToken).changeUsername({ username: "Lovelace" }));

    expect(user).toMatchObject({ id: ada.id, username: "Lovelace" });
    expect(server.succeed(await server.as(ada.accessToken).me())).toEqual(user);
    server.succeed(await server.login({ username: "lovelace", password: PASSWORD }));
    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "INVALID_CREDENTIALS");
    await server.mailsSettled();
    expect(server.subjectsTo(ada.email).at(-1)).toBe("Your username for Account Server was changed");
  });

  test("takes one's own name in another case", async () => {
    const server = await startServer();
    const { accessToken } = await server.activePerson("ada");
    expect(server.succeed(await server.as(accessToken).changeUsername({ username: "ADA" })).username).toBe(
      "ADA",
    );
  });

  test.each([
    ["GRACE", "USERNAME_TAKEN"],
    ["pending", "USERNAME_TAKEN"],
    ["ad", "BAD_USER_INPUT"],
    ["ada@example.com", "BAD_USER_INPUT"],
    ["ada\0", "BAD_USER_INPUT"],
  ])("refuses %j", async (username, code) => {
    const server = await startServer();
    const { accessToken } = await server.activePerson("ada");
    await server.activePerson("grace");
    await server.registerPerson("pending");
    const before = await server.query("select id, username, updated_at from accounts.users order by id");

    const error = server.refuse(await server.as(accessToken).changeUsername({ username }), code);

    expect(error.extensions.field).toBe("username");
    expect(await server.query("select id, username, updated_at from accounts.users order by id")).toEqual(
      before,
    );
  });

  test("takes a name that only an expired account holds", async () => {
    const server = await startServer();
    await server.registerPerson("expired");
    await server.mailsSettled();
    server.advance(DAY + MINUTE);
    const { accessToken } = await server.activePerson("ada");

    server.succeed(await server.as(accessToken).changeUsername({ username: "Expired" }));

    expect(await server.query("select username from accounts.users")).toEqual([{ username: "Expired" }]);
  });

  test("by two users to one name at the same moment gives it to one", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const grace = await server.activePerson("grace");

    const answers = await meetAt(
      server,
      "users",
      () => server.as(ada.accessToken).changeUsername({ username: "wanted" }),
      () => server.as(grace.accessToken).changeUsername({ username: "WANTED" }),
    );

    expect(tally(answers)).toEqual({ done: 1, USERNAME_TAKEN: 1 });
  });

  test("by two users to each other's names at the same moment is refused to both", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const grace = await server.activePerson("grace");

    const answers = await meetAt(
      server,
      "users",
      () => server.as(ada.accessToken).changeUsername({ username: "grace" }),
      () => server.as(grace.accessToken).changeUsername({ username: "ada" }),
    );

    expect(tally(answers)).toEqual({ USERNAME_TAKEN: 2 });
  });

  test("and a registration of one name at the same moment give it to one", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const other = { username: "WANTED", email: "other@example.com", password: PASSWORD };

    const answers = await meetAt<Answer<unknown>[]>(
      server,
      "users",
      () => server.as(ada.accessToken).changeUsername({ username: "wanted" }),
      () => server.register(other),
    );

    expect(tally(answers)).toEqual({ done: 1, USERNAME_TAKEN: 1 });
  });
});

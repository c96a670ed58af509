// What a registration form asks for, so that no front end has to know the rules of this server by heart.
import { expect, test } from "vitest";

import { PASSWORD, startServer } from "../../support/server.ts";

test("registrationRules tells the lengths, the form of a username and the languages that this server has", async () => {
  const server = await startServer({ env: { PASSWORD_MIN_LENGTH: "12" } });
  expect(server.succeed(await server.registrationRules())).toEqual({
    usernamePattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{1,30}[A-Za-z0-9]$",
    usernameMinLength: 3,
    usernameMaxLength: 32,
    passwordMinLength: 12,
    passwordMaxLength: 128,
    locales: ["en", "pt-BR"],
  });
});

test("register takes the usernames that match, and no others", async () => {
  const server = await startServer();
  const rules = server.succeed(await server.registrationRules());
  const pattern = new RegExp(rules.usernamePattern);
  const names = ["ada", "a.b", "A_1", "a".repeat(32), "ad", "a".repeat(33), "_ada", "ada.", "a b", "zoë", ""];
  for (const [index, username] of names.entries()) {
    const answer = await server.register({ username, email: `p${index}@example.com`, password: PASSWORD });
    const { min, max } = { min: rules.usernameMinLength, max: rules.usernameMaxLength };
    expect(answer.errors, username).toHaveLength(pattern.test(username) ? 0 : 1);
    if (pattern.test(username)) expect(username.length >= min && username.length <= max).toBe(true);
    else expect(answer.errors[0]!.extensions.field).toBe("username");
  }
});

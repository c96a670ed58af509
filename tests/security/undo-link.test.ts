// A change of the email address, and its undo, as a way into an account. Each test is named by what it prevents.
import { describe, expect, test } from "vitest";

import type { Output } from "../support/graphql.ts";
import { whileHeld } from "../support/hold-back.ts";
import { DAY, MINUTE, PASSWORD, startServer, type ActivePerson, type TestServer } from "../support/server.ts";

const NEW_PASSWORD = "a new battery staple";
const VICTIM = "victim@example.com";

async function emailOf(server: TestServer, { id }: { id: string }): Promise<unknown> {
  return (await server.query("select email from accounts.users where id = $1", [id]))[0]?.["email"];
}

const subjects = (server: TestServer, email: string) => server.subjectsTo(email).slice(1); // the first is the registration's

describe("somebody who moves the own account to a victim's address", () => {
  test("does not get it confirmed by the victim who opens the link", async () => {
    const server = await startServer();
    const mallory = await server.activePerson("mallory");
    const token = await server.askForEmailChange(mallory, VICTIM);

    const error = server.refuse(await server.finalizeEmailChange({ token }), "PASSWORD_REQUIRED");

    expect(error.extensions.field).toBe("password");
    expect(await emailOf(server, mallory)).toBe(mallory.email);
  });

  test("does not get it confirmed by the victim who is signed in to another account", async () => {
    const server = await startServer();
    const mallory = await server.activePerson("mallory");
    const victim = await server.activePerson("victim", "victim-2@example.com");
    const token = await server.askForEmailChange(mallory, VICTIM);

    const answer = await server.as(victim.accessToken).finalizeEmailChange({ token });

    server.refuse(answer, "PASSWORD_REQUIRED");
    expect(await emailOf(server, mallory)).toBe(mallory.email);
  });

  test("does not get it confirmed by the password of the victim's own account", async () => {
    const server = await startServer();
    const mallory = await server.activePerson("mallory");
    const victim = await server.activePerson("victim", "victim-2@example.com");
    const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    const { accessToken } = server.succeed(await server.as(victim.accessToken).changePassword(change));
    const token = await server.askForEmailChange(mallory, VICTIM);

    const answer = await server.as(accessToken).finalizeEmailChange({ token, password: NEW_PASSWORD });

    server.refuse(answer, "INVALID_CREDENTIALS");
    expect(await emailOf(server, mallory)).toBe(mallory.email);
  });

  test("does not get it confirmed by a link sent in the header, where the access token would be", async () => {
    const server = await startServer();
    const mallory = await server.activePerson("mallory");
    const token = await server.askForEmailChange(mallory, VICTIM);
    server.refuse(await server.as(token).finalizeEmailChange(), "PASSWORD_REQUIRED");
    server.refuse(await server.as(token).finalizeEmailChange({ token }), "PASSWORD_REQUIRED");
  });
});

describe("an owner who changes the address", () => {
  const ways: Record<string, (server: TestServer, ada: ActivePerson, token: string) => Promise<unknown>> = {
    "signed in": async (server, { accessToken }, token) =>
      server.succeed(await server.as(accessToken).finalizeEmailChange({ token })),
    "with the password": async (server, _, token) =>
      server.succeed(await server.finalizeEmailChange({ token, password: PASSWORD })),
    "with the password, and the link in the header": async (server, _, token) =>
      server.succeed(await server.as(token).finalizeEmailChange({ password: PASSWORD })),
  };

  test.each(Object.keys(ways))(
    "is not kept out by a refusal before: the link stays good, %s",
    async (way) => {
      const server = await startServer();
      const ada = await server.activePerson("ada");
      const token = await server.askForEmailChange(ada, "lovelace@example.com");
      server.refuse(await server.finalizeEmailChange({ token }), "PASSWORD_REQUIRED");
      server.refuse(await server.finalizeEmailChange({ token, password: "wrong" }), "INVALID_CREDENTIALS");

      await ways[way]!(server, ada, token);

      expect(await emailOf(server, ada)).toBe("lovelace@example.com");
    },
  );

  test("is asked for no password by a dead link", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    server.succeed(await server.as(ada.accessToken).changePassword(change));
    server.refuse(await server.finalizeEmailChange({ token }), "INVALID_TOKEN");
    server.refuse(await server.finalizeEmailChange({ token, password: "wrong" }), "INVALID_TOKEN");
  });

  test("is not overtaken: a password that is changed at the same moment ends the link", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };

    const [, confirmed] = await whileHeld(
      server,
      `select id from accounts.users where id = '${ada.id}' for update`, // who waits for a row first gets it first
      () => server.as(ada.accessToken).changePassword(change),
      () => server.finalizeEmailChange({ token, password: PASSWORD }),
    );

    server.refuse(confirmed, "INVALID_TOKEN");
    expect(await emailOf(server, ada)).toBe(ada.email);
  });
});

/** Somebody who has moved from `old` to the account's address of now. */
async function moved(server: TestServer) {
  const ada = await server.activePerson("ada", "lost@example.com");
  const signIn = await server.changeEmail(ada, "lovelace@example.com");
  return { ada, signIn, undo: await server.undoToken(ada.email) };
}

async function endUndo(server: TestServer, { accessToken }: Output<"AuthPayload">, password = PASSWORD) {
  return server.succeed(await server.as(accessToken).endEmailChangeUndo({ password }));
}

describe("whoever reads a mailbox that the owner has left", () => {
  test("takes nothing back 3 days after the owner has made the change final", async () => {
    const server = await startServer();
    const { ada, signIn, undo } = await moved(server);
    await endUndo(server, signIn);
    const ending = await server.mailedToken(ada.email, /last days to undo/i);

    server.advance(3 * DAY);

    for (const token of [undo, ending])
      server.refuse(await server.finalizeEmailChange({ token }), "INVALID_TOKEN");
    expect(await emailOf(server, ada)).toBe("lovelace@example.com");
  });

  test("gets no longer than the 7 days there were, by the link of the notice", async () => {
    const server = await startServer();
    const { ada, signIn } = await moved(server);
    server.advance(6 * DAY);
    const { accessToken } = server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    await endUndo(server, { ...signIn, accessToken });
    const ending = await server.mailedToken(ada.email, /last days to undo/i);

    server.advance(DAY);

    server.refuse(await server.finalizeEmailChange({ token: ending }), "INVALID_TOKEN");
  });

  test("is not helped by asking again, which postpones nothing and sends nothing", async () => {
    const server = await startServer();
    const { ada, signIn } = await moved(server);
    await endUndo(server, signIn);
    await server.mailsSettled();
    const before = await server.state();
    server.advance(DAY);
    const { accessToken } = server.succeed(await server.login({ username: "ada", password: PASSWORD }));

    await endUndo(server, { ...signIn, accessToken });

    await server.mailsSettled();
    const after = await server.state();
    expect([after.emailChanges, after.mailJobs]).toEqual([before.emailChanges, before.mailJobs]);
    expect(subjects(server, ada.email)).toHaveLength(2);
  });
});

describe("a thief with a session and the password", () => {
  test("does not end the undo at once: both addresses are told, and the old one's link works until then", async () => {
    const server = await startServer();
    const { ada, signIn, undo } = await moved(server);

    await endUndo(server, signIn);

    await server.mailsSettled();
    expect(subjects(server, ada.email).at(-1)).toBe(
      "Last days to undo the change of your email address for Account Server",
    );
    expect(server.subjectsTo("lovelace@example.com").at(-1)).toBe(
      "The change of your email address for Account Server will soon be final",
    );
    server.advance(3 * DAY - MINUTE);
    server.succeed(await server.finalizeEmailChange({ token: undo }));
    expect(await emailOf(server, ada)).toBe(ada.email);
  });

  test("does not keep the owner from undoing it by the link of the notice itself", async () => {
    const server = await startServer();
    const { ada, signIn } = await moved(server);
    await endUndo(server, signIn);
    const ending = await server.mailedToken(ada.email, /last days to undo/i);
    server.succeed(await server.finalizeEmailChange({ token: ending }));
    expect(await emailOf(server, ada)).toBe(ada.email);
  });

  test("does not end the undo by a reset from the new address", async () => {
    const server = await startServer();
    const { ada, undo } = await moved(server);
    const token = await server.askForReset("lovelace@example.com");
    server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));
    server.succeed(await server.finalizeEmailChange({ token: undo }));
    expect(await emailOf(server, ada)).toBe(ada.email);
  });
});

test("a thief with a session alone cannot end the undo", async () => {
  const server = await startServer();
  const { ada, signIn, undo } = await moved(server);
  const answer = await server.as(signIn.accessToken).endEmailChangeUndo({ password: "wrong" });
  server.refuse(answer, "INVALID_CREDENTIALS");
  server.advance(6 * DAY);
  server.succeed(await server.finalizeEmailChange({ token: undo }));
  expect(await emailOf(server, ada)).toBe(ada.email);
});

test("an undo does not bring back what can no longer be restored, before its row is removed", async () => {
  const server = await startServer();
  const { ada, signIn, undo } = await moved(server);
  server.succeed(await server.as(signIn.accessToken).deleteAccount({ password: PASSWORD }));
  await server.query("update accounts.users set erase_at = now() - interval '1 minute'");
  server.refuse(await server.finalizeEmailChange({ token: undo }), "INVALID_TOKEN");
  expect(await emailOf(server, ada)).toBe("lovelace@example.com");
});

test("ending an undo that there is not is told as that", async () => {
  const server = await startServer();
  const { accessToken } = await server.activePerson("ada");
  const { message } = server.succeed(await server.as(accessToken).endEmailChangeUndo({ password: PASSWORD }));
  expect(message).toMatch(/no change of your email address that can be undone/);
});

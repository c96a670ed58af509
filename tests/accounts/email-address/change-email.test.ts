// A change of address: by the link to the new address, undone by the link to the old one.
import { describe, expect, test } from "vitest";

import type { Answer, Output } from "../../support/graphql.ts";
import { meetAt, tally, whileHeld } from "../../support/hold-back.ts";
import {
  DAY,
  MINUTE,
  PASSWORD,
  startServer,
  type ActivePerson,
  type TestServer,
} from "../../support/server.ts";

const NEW_PASSWORD = "a new battery staple";
const HOUR = 60 * MINUTE;

async function emailOf(server: TestServer, { id }: ActivePerson): Promise<unknown> {
  return (await server.query("select email from accounts.users where id = $1", [id]))[0]?.["email"];
}

describe("a change of address", () => {
  test("happens when the link in the mail to the new address is used, and signs in", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const other = server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    const reset = await server.askForReset(ada.email);
    const token = await server.askForEmailChange(ada, "Lovelace@example.com");
    expect(await emailOf(server, ada)).toBe(ada.email);

    const { accessToken, user } = server.succeed(
      await server.finalizeEmailChange({ token, password: PASSWORD }),
    );

    expect(user).toMatchObject({ id: ada.id, email: "Lovelace@example.com" });
    server.succeed(await server.as(accessToken).me());
    server.refuse(await server.as(ada.accessToken).me(), "UNAUTHENTICATED");
    server.refuse(await server.finalizeReset({ token: reset, password: NEW_PASSWORD }), "INVALID_TOKEN");
    server.succeed(await server.refreshSession(other));
    server.succeed(await server.login({ username: "lovelace@EXAMPLE.com", password: PASSWORD }));
    server.refuse(await server.login({ username: ada.email, password: PASSWORD }), "INVALID_CREDENTIALS");
    server.refuse(await server.finalizeEmailChange({ token, password: PASSWORD }), "INVALID_TOKEN");
  });

  test("takes the token from the header too", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    server.succeed(
      await server.with({ authorization: `Bearer ${token}` }).finalizeEmailChange({ password: PASSWORD }),
    );
    expect(await emailOf(server, ada)).toBe("lovelace@example.com");
  });

  test("tells the old address, with the new one and the way to undo it, and says nothing there before", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    await server.changeEmail(ada, "lovelace@example.com");
    await server.undoToken(ada.email);

    const [, { mail } = { mail: undefined }, ...more] = server.smtp.received.filter(({ recipients }) =>
      recipients.includes(ada.email),
    );
    expect(more).toEqual([]);
    expect(mail?.to).toEqual([{ name: "ada", address: ada.email }]);
    for (const part of [mail?.text, mail?.html]) expect(part).toContain("lovelace@example.com");
    expect(mail?.text).toContain(`${server.url}/#/undo-email-change?token=`);
  });

  test.each([
    ["ada@example.com", "EMAIL_TAKEN"],
    ["GRACE@example.com", "EMAIL_TAKEN"],
    ["pending@example.com", "EMAIL_TAKEN"],
    ["no address", "BAD_USER_INPUT"],
    ["Ada <lovelace@example.com>", "BAD_USER_INPUT"],
    ["lovelace@example.com\0", "BAD_USER_INPUT"],
  ])("to %j is refused at the request", async (newEmail, code) => {
    const server = await startServer();
    const { accessToken } = await server.activePerson("ada");
    await server.activePerson("grace");
    await server.registerPerson("pending");
    await server.mailsSettled();
    const before = await server.state();

    const error = server.refuse(
      await server.as(accessToken).requestEmailChange({ newEmail, password: PASSWORD }),
      code,
    );

    expect(error.extensions.field).toBe("newEmail");
    expect(await server.state()).toEqual(before);
  });

  test("may take the address of an account that expired", async () => {
    const server = await startServer();
    const { email } = await server.registerPerson("expired");
    await server.mailsSettled();
    server.advance(DAY + MINUTE);
    const ada = await server.activePerson("ada");
    await server.changeEmail(ada, email);
    expect(await emailOf(server, ada)).toBe(email);
  });

  test("whose address was registered and confirmed meanwhile is refused at the link", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    await server.activePerson("lovelace");

    server.refuse(await server.finalizeEmailChange({ token, password: PASSWORD }), "EMAIL_TAKEN");

    expect(await emailOf(server, ada)).toBe(ada.email);
    server.succeed(await server.as(ada.accessToken).me());
  });

  test("to an address that waits for its confirmation kills the link of that", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    await server.registerPerson("lovelace");
    const confirmation = await server.confirmationToken("lovelace@example.com");

    server.succeed(await server.finalizeEmailChange({ token, password: PASSWORD }));

    server.refuse(await server.finalizeRegistration({ token: confirmation }), "INVALID_TOKEN");
    expect(await emailOf(server, ada)).toBe("lovelace@example.com");
  });

  test("and a registration confirmed at the same moment have one winner", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    await server.registerPerson("lovelace");
    const confirmation = await server.confirmationToken("lovelace@example.com");

    const [changed, confirmed] = await meetAt(
      server,
      "users",
      () => server.finalizeEmailChange({ token, password: PASSWORD }),
      () => server.finalizeRegistration({ token: confirmation }),
    );

    if (changed.data) server.refuse(confirmed, "INVALID_TOKEN");
    else server.refuse(changed, "EMAIL_TAKEN");
    const sql = "select id from accounts.users where email = 'lovelace@example.com' and is_active";
    expect(await server.query(sql)).toHaveLength(1);
  });

  test("of two users to one address at the same moment happens to one, and the other learns why not", async () => {
    const server = await startServer();
    const people = [await server.activePerson("ada"), await server.activePerson("grace")];
    const tokens = [];
    for (const [index, { accessToken }] of people.entries()) {
      const args = { newEmail: "new@example.com", password: PASSWORD };
      server.succeed(await server.as(accessToken).requestEmailChange(args));
      tokens.push(await server.emailChangeToken(args.newEmail, index + 1));
    }

    const answers = await meetAt(
      server,
      "users",
      ...tokens.map((token) => () => server.finalizeEmailChange({ token, password: PASSWORD })),
    );

    expect(tally(answers)).toEqual({ done: 1, EMAIL_TAKEN: 1 });
    expect(await server.query("select id from accounts.users where email = 'new@example.com'")).toEqual([
      { id: answers.find(({ data }) => data)!.data!.user.id },
    ]);
  });

  test.each([
    { first: 0, which: "the earlier" },
    { first: 1, which: "the later" },
  ])("has its own link at each of two addresses: $which works, the other is dead then", async ({ first }) => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const addresses = ["first@example.com", "second@example.com"];
    const tokens: string[] = [];
    for (const address of addresses) tokens.push(await server.askForEmailChange(ada, address));

    const { user } = server.succeed(
      await server.finalizeEmailChange({ token: tokens[first]!, password: PASSWORD }),
    );

    expect(user.email).toBe(addresses[first]);
    server.refuse(
      await server.finalizeEmailChange({ token: tokens[1 - first]!, password: PASSWORD }),
      "INVALID_TOKEN",
    );
    expect(await emailOf(server, ada)).toBe(addresses[first]);
  });

  test("whose two links are used at the same moment goes to the address of the one that won", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const addresses = ["first@example.com", "second@example.com"];
    const requests = addresses.map((newEmail) =>
      server.as(ada.accessToken).requestEmailChange({ newEmail, password: PASSWORD }),
    );
    for (const answer of await Promise.all(requests)) server.succeed(answer);
    const tokens = await Promise.all(addresses.map((address) => server.emailChangeToken(address)));

    const answers = await meetAt(
      server,
      "users",
      ...tokens.map((token) => () => server.finalizeEmailChange({ token, password: PASSWORD })),
    );

    expect(tally(answers)).toEqual({ done: 1, INVALID_TOKEN: 1 });
    const winner = answers.findIndex(({ data }) => data);
    expect(answers[winner]!.data!.user.email).toBe(addresses[winner]);
    expect(await emailOf(server, ada)).toBe(addresses[winner]);
  });

  test("is not confirmed by a device that is logged out at the same moment", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    const other = server.succeed(await server.login({ username: "ada", password: PASSWORD }));

    const answers = await whileHeld<Answer<unknown>[]>(
      server,
      "select 1 from accounts.users for update",
      () => server.as(other.accessToken).logoutEverywhere(),
      () => server.as(ada.accessToken).finalizeEmailChange({ token }),
    );

    expect(tally(answers)).toEqual({ done: 1, PASSWORD_REQUIRED: 1 });
    expect(await server.query("select id from accounts.sessions")).toEqual([]);
    server.succeed(await server.finalizeEmailChange({ token, password: PASSWORD }));
  });

  test("has links that are good for EMAIL_CHANGE_TOKEN_MINUTES", async () => {
    const server = await startServer({ env: { EMAIL_CHANGE_TOKEN_MINUTES: "60" } });
    const ada = await server.activePerson("ada");
    const late = await server.askForEmailChange(ada, "late@example.com");
    server.advance(61 * MINUTE);
    server.refuse(await server.finalizeEmailChange({ token: late, password: PASSWORD }), "INVALID_TOKEN");
  });

  test("is not to be had with a token of another kind", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    await server.registerPerson("pending");
    const link = await server.askForEmailChange(ada, "lovelace@example.com");
    const others = [
      ada.accessToken,
      ada.refreshToken,
      await server.askForReset(ada.email),
      await server.confirmationToken("pending@example.com"),
      "",
    ];

    for (const token of others)
      server.refuse(await server.finalizeEmailChange({ token, password: PASSWORD }), "INVALID_TOKEN");
    server.refuse(await server.finalizeReset({ token: link, password: NEW_PASSWORD }), "INVALID_TOKEN");
    server.refuse(await server.finalizeRegistration({ token: link }), "INVALID_TOKEN");
    server.refuse(await server.as(link).me(), "UNAUTHENTICATED");
  });

  describe("where existence is hidden,", () => {
    const hiding = { env: { HIDE_ACCOUNT_EXISTENCE: "true" } };

    test("is answered alike, and the owner of a taken address hears of it", async () => {
      const server = await startServer(hiding);
      const { accessToken } = await server.activePerson("ada");
      const { email: taken } = await server.activePerson("grace");
      const messages: string[] = [];
      for (const newEmail of ["free@example.com", taken]) {
        const answer = await server.as(accessToken).requestEmailChange({ newEmail, password: PASSWORD });
        messages.push(server.succeed(answer).message);
      }
      await server.mailsSettled();

      expect(new Set(messages).size).toBe(1);
      expect(messages[0]).not.toMatch(/@/);
      expect(server.subjectsTo("free@example.com")).toEqual([
        "Confirm your new email address for Account Server",
      ]);
      expect(server.subjectsTo(taken).slice(1)).toEqual(["You already have an account with Account Server"]);
    });

    test("ends with EMAIL_TAKEN at the link if the address was confirmed by another meanwhile", async () => {
      const server = await startServer(hiding);
      const ada = await server.activePerson("ada");
      const token = await server.askForEmailChange(ada, "lovelace@example.com");
      await server.activePerson("lovelace");
      server.refuse(await server.finalizeEmailChange({ token, password: PASSWORD }), "EMAIL_TAKEN");
    });
  });
});

test("one's own address can be written in another case, and is in use as it is", async () => {
  const server = await startServer();
  const ada = await server.activePerson("ada");
  const same = { newEmail: ada.email, password: PASSWORD };
  server.refuse(await server.as(ada.accessToken).requestEmailChange(same), "EMAIL_TAKEN");
  await server.changeEmail(ada, "Ada@Example.com");
  expect(await emailOf(server, ada)).toBe("Ada@Example.com");
});

describe("the undo of a change of address", () => {
  const STOLEN = "intruder@example.com";
  const THIRD = "third@example.com";

  /** What an intruder does next, who knows the password. */
  const next: Record<string, (server: TestServer, intruder: Output<"AuthPayload">) => Promise<unknown>> = {
    nothing: () => Promise.resolve(),
    "a new password": async (server, { accessToken }) =>
      server.succeed(
        await server.as(accessToken).changePassword({ currentPassword: PASSWORD, newPassword: NEW_PASSWORD }),
      ),
    "a reset": async (server) =>
      server.succeed(
        await server.finalizeReset({ token: await server.askForReset(STOLEN), password: NEW_PASSWORD }),
      ),
    "another change of address": (server, intruder) => server.changeEmail(intruder, THIRD),
    "another change of address and the undo of that": async (server, intruder) => {
      await server.changeEmail(intruder, THIRD);
      server.succeed(await server.finalizeEmailChange({ token: await server.undoToken(STOLEN) }));
    },
    "a link that waits to be used": (server, intruder) => server.askForEmailChange(intruder, THIRD),
    "the deletion of the account": async (server, { accessToken }) =>
      server.succeed(await server.as(accessToken).deleteAccount({ password: PASSWORD })),
    "another name": async (server, { accessToken }) =>
      server.succeed(await server.as(accessToken).changeUsername({ username: "intruder" })),
  };

  test.each(Object.keys(next))("works for 7 days after %s, and ends every session", async (step) => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const intruder = await server.changeEmail(ada, STOLEN);
    const token = await server.undoToken(ada.email);
    await next[step]!(server, intruder);
    await server.query(
      `insert into accounts.sessions (id, user_id, created_at, last_used_at, expires_at)
       values (gen_random_uuid(), $1, now(), now(), now() + interval '30 days')`,
      [ada.id],
    );
    server.advance(7 * DAY - HOUR);

    const { accessToken, user } = server.succeed(await server.finalizeEmailChange({ token }));

    expect(user).toMatchObject({ id: ada.id, email: ada.email });
    expect(server.succeed(await server.as(accessToken).sessions())).toHaveLength(1);
    server.refuse(await server.refreshSession(intruder), "INVALID_TOKEN");
    server.refuse(await server.finalizeEmailChange({ token }), "INVALID_TOKEN");
    expect(await server.query("select erase_at from accounts.users")).toEqual([{ erase_at: null }]);
  });

  test("leaves no link of the intruder's", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const intruder = await server.changeEmail(ada, STOLEN);
    const undo = await server.undoToken(ada.email);
    const third = await server.changeEmail(intruder, THIRD);
    const links = [
      await server.undoToken(STOLEN),
      await server.askForEmailChange(third, "fourth@example.com"),
    ];
    const reset = await server.askForReset(THIRD);

    server.succeed(await server.finalizeEmailChange({ token: undo }));

    for (const token of links) server.refuse(await server.finalizeEmailChange({ token }), "INVALID_TOKEN");
    server.refuse(await server.finalizeReset({ token: reset, password: NEW_PASSWORD }), "INVALID_TOKEN");
    expect(await emailOf(server, ada)).toBe(ada.email);
  });

  test("is over after 7 days", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    await server.changeEmail(ada, STOLEN);
    const token = await server.undoToken(ada.email);
    server.advance(7 * DAY + MINUTE);
    server.refuse(await server.finalizeEmailChange({ token }), "INVALID_TOKEN");
    expect(await emailOf(server, ada)).toBe(STOLEN);
  });

  test("is refused where another account has the old address by now", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    await server.changeEmail(ada, STOLEN);
    const token = await server.undoToken(ada.email);
    await server.registerPerson("other", ada.email);
    const confirmation = await server.confirmationToken(ada.email, 2);
    server.succeed(await server.finalizeRegistration({ token: confirmation }));
    server.refuse(await server.finalizeEmailChange({ token }), "EMAIL_TAKEN");
    expect(await emailOf(server, ada)).toBe(STOLEN);
  });

  test("twice at once happens once", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    await server.changeEmail(ada, STOLEN);
    const token = await server.undoToken(ada.email);
    const undo = () => server.finalizeEmailChange({ token });

    const answers = await meetAt(server, "users", undo, undo);

    expect(tally(answers)).toEqual({ done: 1, INVALID_TOKEN: 1 });
  });
});

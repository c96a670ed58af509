// What signed-in users change of their accounts by themselves, and that nobody else can.
import { describe, expect, test } from "vitest";

import { runDailyJob } from "../support/daily.ts";
import { meetAt, tally } from "../support/gate.ts";
import type { Answer, Output } from "../support/graphql.ts";
import {
  DAY,
  MINUTE,
  PASSWORD,
  sharedServer,
  startServer,
  type ActivePerson,
  type TestServer,
} from "../support/server.ts";

const NEW_PASSWORD = "a new battery staple";
const HOUR = 60 * MINUTE;

const subjectsTo = (server: TestServer, email: string) =>
  server.smtp.received.filter(({ recipients }) => recipients.includes(email)).map(({ mail }) => mail.subject);

async function changeEmail(
  server: TestServer,
  who: { accessToken: string },
  newEmail: string,
  password?: string,
): Promise<Output<"AuthPayload">> {
  const token = await server.askForEmailChange(who, newEmail, password);
  return server.succeed(await server.finalizeEmailChange({ token }));
}

async function emailOf(server: TestServer, { id }: ActivePerson): Promise<unknown> {
  return (await server.query("select email from accounts.users where id = $1", [id]))[0]?.["email"];
}

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

describe("changePassword", () => {
  const args = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };

  test("ends the other sessions, continues this one with new tokens, and tells the owner", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const other = server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    const [{ id } = { id: "" }] = server
      .succeed(await server.as(ada.accessToken).sessions())
      .filter(({ current }) => current);

    const changed = server.succeed(await server.as(ada.accessToken).changePassword(args));

    expect(server.succeed(await server.as(changed.accessToken).sessions())).toMatchObject([
      { id, current: true },
    ]);
    server.succeed(await server.refreshSession(changed));
    for (const { accessToken, refreshToken } of [ada, other]) {
      server.refuse(await server.as(accessToken).me(), "UNAUTHENTICATED");
      server.refuse(await server.refreshSession({ refreshToken }), "INVALID_TOKEN");
    }
    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "INVALID_CREDENTIALS");
    server.succeed(await server.login({ username: "ada", password: NEW_PASSWORD }));
    await server.mailsSettled();
    expect(subjectsTo(server, ada.email).at(-1)).toBe("Your password at Account Server was changed");
  });

  test("kills the links of before", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const reset = await server.askForReset(ada.email);
    const change = await server.askForEmailChange(ada, "lovelace@example.com");

    server.succeed(await server.as(ada.accessToken).changePassword(args));

    server.refuse(await server.finalizeReset({ token: reset, password: "a third battery" }), "INVALID_TOKEN");
    server.refuse(await server.finalizeEmailChange({ token: change }), "INVALID_TOKEN");
    expect(await emailOf(server, ada)).toBe(ada.email);
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

describe("a change of address", () => {
  test("happens when the link in the mail to the new address is used, and signs in", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const other = server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    const reset = await server.askForReset(ada.email);
    const token = await server.askForEmailChange(ada, "Lovelace@example.com");
    expect(await emailOf(server, ada)).toBe(ada.email);

    const { accessToken, user } = server.succeed(await server.finalizeEmailChange({ token }));

    expect(user).toMatchObject({ id: ada.id, email: "Lovelace@example.com" });
    server.succeed(await server.as(accessToken).me());
    server.refuse(await server.as(ada.accessToken).me(), "UNAUTHENTICATED");
    server.refuse(await server.finalizeReset({ token: reset, password: NEW_PASSWORD }), "INVALID_TOKEN");
    server.succeed(await server.refreshSession(other));
    server.succeed(await server.login({ username: "lovelace@EXAMPLE.com", password: PASSWORD }));
    server.refuse(await server.login({ username: ada.email, password: PASSWORD }), "INVALID_CREDENTIALS");
    server.refuse(await server.finalizeEmailChange({ token }), "INVALID_TOKEN");
  });

  test("takes the token from the header too", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    server.succeed(await server.with({ authorization: `Bearer ${token}` }).finalizeEmailChange());
    expect(await emailOf(server, ada)).toBe("lovelace@example.com");
  });

  test("tells the old address, with the new one and the way to undo it, and says nothing there before", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    await changeEmail(server, ada, "lovelace@example.com");
    await server.undoToken(ada.email);

    const [, { mail } = { mail: undefined }, ...more] = server.smtp.received.filter(({ recipients }) =>
      recipients.includes(ada.email),
    );
    expect(more).toEqual([]);
    expect(mail?.to).toEqual([{ name: "ada", address: ada.email }]);
    for (const part of [mail?.text, mail?.html]) expect(part).toContain("lovelace@example.com");
    expect(mail?.text).toContain(`${server.url}/#/change-email?token=`);
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
    await changeEmail(server, ada, email);
    expect(await emailOf(server, ada)).toBe(email);
  });

  test("whose address was registered and confirmed meanwhile is refused at the link", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    await server.activePerson("lovelace");

    server.refuse(await server.finalizeEmailChange({ token }), "EMAIL_TAKEN");

    expect(await emailOf(server, ada)).toBe(ada.email);
    server.succeed(await server.as(ada.accessToken).me());
  });

  test("to an address that waits for its confirmation kills the link of that", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    await server.registerPerson("lovelace");
    const confirmation = await server.confirmationToken("lovelace@example.com");

    server.succeed(await server.finalizeEmailChange({ token }));

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
      () => server.finalizeEmailChange({ token }),
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
      ...tokens.map((token) => () => server.finalizeEmailChange({ token })),
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

    const { user } = server.succeed(await server.finalizeEmailChange({ token: tokens[first]! }));

    expect(user.email).toBe(addresses[first]);
    server.refuse(await server.finalizeEmailChange({ token: tokens[1 - first]! }), "INVALID_TOKEN");
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
      ...tokens.map((token) => () => server.finalizeEmailChange({ token })),
    );

    expect(tally(answers)).toEqual({ done: 1, INVALID_TOKEN: 1 });
    const winner = answers.findIndex(({ data }) => data);
    expect(answers[winner]!.data!.user.email).toBe(addresses[winner]);
    expect(await emailOf(server, ada)).toBe(addresses[winner]);
  });

  test("has links that are good for EMAIL_CHANGE_TOKEN_MINUTES", async () => {
    const server = await startServer({ env: { EMAIL_CHANGE_TOKEN_MINUTES: "60" } });
    const ada = await server.activePerson("ada");
    const late = await server.askForEmailChange(ada, "late@example.com");
    server.advance(61 * MINUTE);
    server.refuse(await server.finalizeEmailChange({ token: late }), "INVALID_TOKEN");
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

    for (const token of others) server.refuse(await server.finalizeEmailChange({ token }), "INVALID_TOKEN");
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
      expect(subjectsTo(server, "free@example.com")).toEqual(["Confirm your new address at Account Server"]);
      expect(subjectsTo(server, taken).slice(1)).toEqual(["You already have an account at Account Server"]);
    });

    test("ends with EMAIL_TAKEN at the link if the address was confirmed by another meanwhile", async () => {
      const server = await startServer(hiding);
      const ada = await server.activePerson("ada");
      const token = await server.askForEmailChange(ada, "lovelace@example.com");
      await server.activePerson("lovelace");
      server.refuse(await server.finalizeEmailChange({ token }), "EMAIL_TAKEN");
    });
  });
});

test("one's own address can be written in another case, and is in use as it is", async () => {
  const server = await startServer();
  const ada = await server.activePerson("ada");
  const same = { newEmail: ada.email, password: PASSWORD };
  server.refuse(await server.as(ada.accessToken).requestEmailChange(same), "EMAIL_TAKEN");
  await changeEmail(server, ada, "Ada@Example.com");
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
    "another change of address": (server, intruder) => changeEmail(server, intruder, THIRD),
    "another change of address and the undo of that": async (server, intruder) => {
      await changeEmail(server, intruder, THIRD);
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
    const intruder = await changeEmail(server, ada, STOLEN);
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
    const intruder = await changeEmail(server, ada, STOLEN);
    const undo = await server.undoToken(ada.email);
    const third = await changeEmail(server, intruder, THIRD);
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
    await changeEmail(server, ada, STOLEN);
    const token = await server.undoToken(ada.email);
    server.advance(7 * DAY + MINUTE);
    server.refuse(await server.finalizeEmailChange({ token }), "INVALID_TOKEN");
    expect(await emailOf(server, ada)).toBe(STOLEN);
  });

  test("is refused where another account has the old address by now", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    await changeEmail(server, ada, STOLEN);
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
    await changeEmail(server, ada, STOLEN);
    const token = await server.undoToken(ada.email);
    const undo = () => server.finalizeEmailChange({ token });

    const answers = await meetAt(server, "users", undo, undo);

    expect(tally(answers)).toEqual({ done: 1, INVALID_TOKEN: 1 });
  });
});

describe("changeUsername", () => {
  test("takes a new name, and frees the old one", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");

    const user = server.succeed(await server.as(ada.accessToken).changeUsername({ username: "Lovelace" }));

    expect(user).toMatchObject({ id: ada.id, username: "Lovelace" });
    expect(server.succeed(await server.as(ada.accessToken).me())).toEqual(user);
    server.succeed(await server.login({ username: "lovelace", password: PASSWORD }));
    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "INVALID_CREDENTIALS");
    await server.registerPerson("ada", "other@example.com");
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

describe("deleteAccount", () => {
  async function deleted(server: TestServer): Promise<ActivePerson> {
    const ada = await server.activePerson("ada");
    server.succeed(await server.as(ada.accessToken).deleteAccount({ password: PASSWORD }));
    return ada;
  }
  const leftOf = async (server: TestServer, { id }: ActivePerson) => {
    const columns = { users: "id", sessions: "user_id", email_changes: "user_id", account_events: "user_id" };
    const left: Record<string, number> = {};
    for (const [table, column] of Object.entries(columns))
      left[table] = (await server.query(`select 1 from accounts.${table} where ${column} = $1`, [id])).length;
    return left;
  };

  test("signs out at once, tells the owner, and keeps name and address from others", async () => {
    const server = await startServer();
    const { email } = await deleted(server);
    await server.mailsSettled();
    expect(subjectsTo(server, email).at(-1)).toBe("Your account at Account Server was deleted");
    const args = { username: "ada", email, password: PASSWORD };
    server.refuse(await server.register({ ...args, email: "other@example.com" }), "USERNAME_TAKEN");
    server.refuse(await server.register({ ...args, username: "other" }), "EMAIL_TAKEN");
  });

  test.each<[string, (server: TestServer, ada: ActivePerson) => Promise<Output<"AuthPayload">>]>([
    [
      "a login",
      async (server) => server.succeed(await server.login({ username: "ada", password: PASSWORD })),
    ],
    [
      "a reset",
      async (server, { email }) =>
        server.succeed(
          await server.finalizeReset({ token: await server.askForReset(email), password: NEW_PASSWORD }),
        ),
    ],
  ])("is taken back by %s within 30 days", async (_, restore) => {
    const server = await startServer();
    const ada = await deleted(server);
    server.advance(30 * DAY - HOUR);

    const { accessToken, user } = await restore(server, ada);

    expect(user).toMatchObject({ id: ada.id, isActive: true });
    const events = server.succeed(await server.as(accessToken).recentActivity()).edges;
    expect(events.map(({ node }) => node.type)).toContain("RESTORED");
    server.advance(DAY);
    await runDailyJob(server);
    server.refuse(await server.register(ada), "USERNAME_TAKEN");
  });

  test("is not taken back by a wrong password, nor by a link of before", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const reset = await server.askForReset(ada.email);
    const change = await server.askForEmailChange(ada, "lovelace@example.com");
    server.succeed(await server.as(ada.accessToken).deleteAccount({ password: PASSWORD }));

    server.refuse(await server.login({ username: "ada", password: "wrong" }), "INVALID_CREDENTIALS");
    server.refuse(await server.finalizeReset({ token: reset, password: NEW_PASSWORD }), "INVALID_TOKEN");
    server.refuse(await server.finalizeEmailChange({ token: change }), "INVALID_TOKEN");

    const [row] = await server.query("select erase_at from accounts.users");
    expect(row!["erase_at"]).toBeInstanceOf(Date);
  });

  test("erases the account after 30 days with all that belongs to it, and nobody else's", async () => {
    const server = await startServer();
    const grace = await server.activePerson("grace");
    const ada = await server.activePerson("ada");
    const { accessToken } = await changeEmail(server, ada, "lovelace@example.com");
    await server.askForEmailChange({ accessToken }, "third@example.com");
    server.succeed(await server.as(accessToken).deleteAccount({ password: PASSWORD }));
    await server.query(
      `insert into accounts.sessions (id, user_id, created_at, last_used_at, expires_at)
       values (gen_random_uuid(), $1, now(), now(), now() + interval '1 year')`,
      [ada.id],
    );
    expect(Object.values(await leftOf(server, ada))).not.toContain(0);
    await server.mailsSettled();
    server.advance(30 * DAY + MINUTE);

    await runDailyJob(server);

    expect(await leftOf(server, ada)).toEqual({ users: 0, sessions: 0, email_changes: 0, account_events: 0 });
    expect(await leftOf(server, grace)).toMatchObject({ users: 1 });
    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "INVALID_CREDENTIALS");
    await server.registerPerson("ada");
  });

  test("is refused to the last administrator, who may do so once there is another", async () => {
    const server = await startServer();
    const root = await server.admin();
    server.refuse(await server.as(root.accessToken).deleteAccount({ password: PASSWORD }), "LAST_ADMIN");
    await server.admin("second");
    server.succeed(await server.as(root.accessToken).deleteAccount({ password: PASSWORD }));
  });

  test("by the last two administrators at the same moment is refused to one", async () => {
    const server = await startServer();
    const root = await server.admin();
    const second = await server.admin("second");

    const answers = await meetAt(
      server,
      "users",
      () => server.as(root.accessToken).deleteAccount({ password: PASSWORD }),
      () => server.as(second.accessToken).deleteAccount({ password: PASSWORD }),
    );

    expect(tally(answers)).toEqual({ done: 1, LAST_ADMIN: 1 });
  });
});

test("exportAccount holds all that is stored about the user, and no hash", async () => {
  const server = await startServer();
  const ada = await server.activePerson("ada");
  await server.activePerson("grace");
  const { accessToken } = await changeEmail(server, ada, "lovelace@example.com");
  await server.askForEmailChange({ accessToken }, "third@example.com");

  const answer = await server.as(accessToken).exportAccount({ password: PASSWORD });

  const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
  const origin = { address: "127.0.0.1", userAgent: "node" };
  const session = {
    ...origin,
    id: expect.any(String) as string,
    createdAt: iso,
    lastUsedAt: iso,
    expiresAt: iso,
  };
  const event = (type: string, actor: string) => ({
    ...{ ...origin, type, actor, occurredAt: iso },
    actorId: actor === "OWNER" ? ada.id : null,
  });
  expect(server.succeed(answer)).toEqual({
    exportedAt: iso,
    user: {
      id: ada.id,
      username: "ada",
      email: "lovelace@example.com",
      locale: "en",
      roles: ["USER"],
      isActive: true,
      createdAt: iso,
      updatedAt: iso,
    },
    sessions: [session, session],
    emailChanges: [
      { oldEmail: "lovelace@example.com", newEmail: ada.email, isUndo: true, requestedAt: iso },
      { oldEmail: "lovelace@example.com", newEmail: "third@example.com", isUndo: false, requestedAt: iso },
    ],
    events: [
      event("REGISTERED", "ANYONE"),
      event("ACTIVATED", "OWNER"),
      event("EMAIL_CHANGE_REQUESTED", "OWNER"),
      event("EMAIL_CHANGED", "OWNER"),
      event("EMAIL_CHANGE_REQUESTED", "OWNER"),
      event("EXPORTED", "OWNER"),
    ],
  });
  expect(answer.text).not.toMatch(/argon2|hash|grace/i);
});

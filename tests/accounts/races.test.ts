// What many do at the same moment: there is one winner, whichever server they ask, and no fault of ours.
import argon2 from "argon2";
import { describe, expect, test } from "vitest";

import { crowdsMeetAt, tally } from "../support/hold-back.ts";
import type { Answer, Output } from "../support/graphql.ts";
import { DAY, MINUTE, PASSWORD, startServer, type TestServer } from "../support/server.ts";

const NEW_PASSWORD = "a new battery staple";
const FIFTY = Array.from({ length: 50 }, (_, index) => index);

const mailsOf = (servers: TestServer[]) => servers.flatMap(({ smtp }) => smtp.received);

/** A token from a mail that any of the servers may have sent. */
async function tokenFrom(
  servers: TestServer[],
  email: string,
  kind: "confirmationToken" | "resetToken",
): Promise<string> {
  await servers[0]!.mailsSettled();
  const subject = kind === "resetToken" ? /reset your password/i : /confirm your email address/i;
  const sender = servers.find(({ smtp }) =>
    smtp.received.some(
      ({ recipients, mail }) => recipients.includes(email) && subject.test(mail.subject ?? ""),
    ),
  );
  return sender![kind](email);
}

describe.each([
  { where: "one server", count: 1 },
  { where: "two servers of one database", count: 2 },
])("at $where,", ({ count }) => {
  async function startServers(): Promise<TestServer[]> {
    const first = await startServer();
    return count === 1 ? [first] : [first, await startServer({ databaseUrl: first.databaseUrl })];
  }
  const turn = (servers: TestServer[], index: number) => servers[index % servers.length]!;

  async function activePerson(servers: TestServer[], username: string) {
    const person = await servers[0]!.registerPerson(username);
    const token = await tokenFrom(servers, person.email, "confirmationToken");
    servers[0]!.succeed(await servers[0]!.finalizeRegistration({ token }));
    return person;
  }

  async function registerAtOnce(
    servers: TestServer[],
    who: (index: number) => { username: string; email: string },
  ): Promise<Answer<unknown>[]> {
    const [answers] = await crowdsMeetAt(servers[0]!, "users", 5 * count, () =>
      Promise.all(FIFTY.map((index) => turn(servers, index).register({ ...who(index), password: PASSWORD }))),
    );
    return answers;
  }

  test("of 50 who register one username, one gets it, and one mail is sent", async () => {
    const servers = await startServers();

    const answers = await registerAtOnce(servers, (index) => ({
      username: index % 3 === 0 ? "ada" : "ADA",
      email: `ada-${index}@example.com`,
    }));

    expect(tally(answers)).toEqual({ done: 1, USERNAME_TAKEN: 49 });
    await servers[0]!.mailsSettled();
    const winner = answers.findIndex(({ errors }) => errors.length === 0);
    expect(mailsOf(servers).map(({ recipients }) => recipients)).toEqual([[`ada-${winner}@example.com`]]);
    const rows = await servers[0]!.query("select email from accounts.users");
    expect(rows).toEqual([{ email: `ada-${winner}@example.com` }]);
  });

  test("of 50 who register one address, one gets it, and one mail is sent", async () => {
    const servers = await startServers();

    const answers = await registerAtOnce(servers, (index) => ({
      username: `ada-${index}`,
      email: index % 3 === 0 ? "ada@example.com" : "Ada@Example.com",
    }));

    expect(tally(answers)).toEqual({ done: 1, EMAIL_TAKEN: 49 });
    await servers[0]!.mailsSettled();
    const winner = answers.findIndex(({ errors }) => errors.length === 0);
    expect(mailsOf(servers)).toHaveLength(1);
    const rows = await servers[0]!.query("select username from accounts.users");
    expect(rows).toEqual([{ username: `ada-${winner}` }]);
  });

  test("50 who register each other's usernames and addresses end with as many accounts as were answered, each whole", async () => {
    const servers = await startServers();

    const answers = await registerAtOnce(servers, (index) => ({
      username: `ada-${index % 7}`,
      email: `ada-${index % 5}@example.com`,
    }));

    const outcomes = tally(answers);
    expect(["done", "USERNAME_TAKEN", "EMAIL_TAKEN"]).toEqual(expect.arrayContaining(Object.keys(outcomes)));
    await servers[0]!.mailsSettled();
    const rows = await servers[0]!.query("select username, email from accounts.users");
    expect(rows).toHaveLength(outcomes["done"]!);
    expect(mailsOf(servers)).toHaveLength(outcomes["done"]!);
    expect(outcomes["done"]).toBeGreaterThan(0);
  });

  test("of 50 who use one confirmation link, one does", async () => {
    const servers = await startServers();
    const { email } = await servers[0]!.registerPerson("ada");
    const token = await tokenFrom(servers, email, "confirmationToken");

    const answers = await Promise.all(
      FIFTY.map((index) => turn(servers, index).finalizeRegistration({ token })),
    );

    expect(tally(answers)).toEqual({ done: 1, INVALID_TOKEN: 49 });
    const { accessToken } = answers.find(({ errors }) => errors.length === 0)!.data!;
    servers[0]!.succeed(await servers[0]!.as(accessToken).me());
  });

  test("of 50 who use one reset link, one does, and that one's password is the account's", async () => {
    const servers = await startServers();
    const { username, email } = await activePerson(servers, "ada");
    servers[0]!.succeed(await servers[0]!.requestReset({ email }));
    const token = await tokenFrom(servers, email, "resetToken");
    const password = (index: number) => `${NEW_PASSWORD} ${index}`;

    const answers = await Promise.all(
      FIFTY.map((index) => turn(servers, index).finalizeReset({ token, password: password(index) })),
    );

    expect(tally(answers)).toEqual({ done: 1, INVALID_TOKEN: 49 });
    const winner = answers.findIndex(({ errors }) => errors.length === 0);
    servers[0]!.succeed(await servers[0]!.as(answers[winner]!.data!.accessToken).me());
    const logins = await Promise.all(
      FIFTY.map((index) => turn(servers, index).login({ username, password: password(index) })),
    );
    expect(tally(logins)).toEqual({ done: 1, INVALID_CREDENTIALS: 49 });
    expect(logins[winner]!.errors).toEqual([]);
    await servers[0]!.mailsSettled();
    const notices = mailsOf(servers).filter(({ mail }) => (mail.subject ?? "").includes("was changed"));
    expect(notices).toHaveLength(1);
  });
});

test.each(["registration", "link"])(
  "a registration that replaces an expired account and the use of its link have one winner: the %s comes first",
  async (first) => {
    // Two clocks, between which the accounts expire: only so can both be right.
    const slow = await startServer();
    const fast = await startServer({ databaseUrl: slow.databaseUrl });
    const people = FIFTY.slice(0, 6).map((index) => `person-${index}`);
    for (const name of people) await slow.registerPerson(name);
    const tokens = await Promise.all(
      people.map((name) => tokenFrom([slow, fast], `${name}@example.com`, "confirmationToken")),
    );
    fast.advance(DAY + MINUTE);

    let registered: Answer<unknown>[] = [];
    let confirmed: Answer<Output<"AuthPayload">>[] = [];
    const registering = async () => {
      const requests = people.map((username) =>
        fast.register({ username, email: `${username}@example.com`, password: NEW_PASSWORD }),
      );
      registered = await Promise.all(requests);
    };
    const confirming = async () => {
      confirmed = await Promise.all(tokens.map((token) => slow.finalizeRegistration({ token })));
    };
    const inOrder = first === "link" ? [confirming, registering] : [registering, confirming];
    await crowdsMeetAt(slow, "users", people.length, ...inOrder);

    for (const [index, name] of people.entries()) {
      const rows = await slow.query("select is_active from accounts.users where username = $1", [name]);
      const answer = confirmed[index]!;
      if (answer.errors.length === 0) {
        slow.refuse(registered[index]!, "USERNAME_TAKEN");
        expect(rows).toEqual([{ is_active: true }]);
        slow.succeed(await slow.as(answer.data!.accessToken).me());
        slow.succeed(await slow.login({ username: name, password: PASSWORD }));
      } else {
        slow.refuse(answer, "INVALID_TOKEN");
        slow.succeed(registered[index]!);
        expect(rows).toEqual([{ is_active: false }]);
      }
    }
  },
);

test("of several who register a pending address where existence is hidden, the last one stored stays, and one link works", async () => {
  const server = await startServer({ env: { HIDE_ACCOUNT_EXISTENCE: "true" } });
  const people = FIFTY.slice(0, 20).map((index) => `person-${index}`);

  const answers = await Promise.all(
    people.map((username) => server.register({ username, email: "ada@example.com", password: PASSWORD })),
  );

  expect(tally(answers)).toEqual({ done: 20 });
  await server.mailsSettled();
  const rows = await server.query("select username from accounts.users");
  expect(rows).toHaveLength(1);
  const links = await Promise.all(
    server.smtp.received.map((_, index) => server.confirmationToken("ada@example.com", index + 1)),
  );
  expect(links).toHaveLength(20);
  const used = await Promise.all(
    links.map((token) => server.finalizeRegistration({ token, password: NEW_PASSWORD })),
  );
  expect(tally(used)["done"]).toBe(1);
  const winner = used.find(({ errors }) => errors.length === 0)!;
  expect(winner.data!.user.username).toBe(rows[0]!["username"]);
});

test("whoever logs in with the old password while it is being reset is signed out by the reset", async () => {
  const server = await startServer();
  const { username, email } = await server.activePerson("ada");
  const token = await server.askForReset(email);

  const logins = FIFTY.slice(0, 12).map(() => server.login({ username, password: PASSWORD }));
  const reset = server.finalizeReset({ token, password: NEW_PASSWORD });
  const more = FIFTY.slice(0, 12).map(() => server.login({ username, password: PASSWORD }));
  const { accessToken } = server.succeed(await reset);
  const answers = await Promise.all([...logins, ...more]);

  expect(["done", "INVALID_CREDENTIALS"]).toEqual(expect.arrayContaining(Object.keys(tally(answers))));
  for (const { data } of answers)
    if (data) server.refuse(await server.as(data.accessToken).me(), "UNAUTHENTICATED");
  server.succeed(await server.as(accessToken).me());
  server.refuse(await server.login({ username, password: PASSWORD }), "INVALID_CREDENTIALS");
  server.succeed(await server.login({ username, password: NEW_PASSWORD }));
});

test("a login that upgrades an old hash never brings back a password that is being reset", async () => {
  const server = await startServer();
  const { username, email } = await server.activePerson("ada");
  const weak = await argon2.hash(PASSWORD, { memoryCost: 8192, timeCost: 2, parallelism: 1 });
  await server.query("update accounts.users set password_hash = $1", [weak]);
  const token = await server.askForReset(email);

  const before = FIFTY.slice(0, 6).map(() => server.login({ username, password: PASSWORD }));
  const reset = server.finalizeReset({ token, password: NEW_PASSWORD });
  const after = FIFTY.slice(0, 6).map(() => server.login({ username, password: PASSWORD }));
  server.succeed(await reset);
  await Promise.all([...before, ...after]);

  server.succeed(await server.login({ username, password: NEW_PASSWORD }));
  server.refuse(await server.login({ username, password: PASSWORD }), "INVALID_CREDENTIALS");
});

test("requests at once for new links are all answered, and each mail's link is as good as the others", async () => {
  const server = await startServer();
  const { email } = await server.registerPerson("ada");
  await server.mailsSettled();

  const answers = await Promise.all(FIFTY.slice(0, 12).map(() => server.resendRegistration({ email })));

  expect(tally(answers)).toEqual({ done: 12 });
  await server.smtp.mails(13);
  const links = await Promise.all([1, 7, 13].map((ordinal) => server.confirmationToken(email, ordinal)));
  const used = await Promise.all(links.map((token) => server.finalizeRegistration({ token })));
  expect(tally(used)).toEqual({ done: 1, INVALID_TOKEN: 2 });
});

test("an account that is erased while passwords for it are hashed is refused as an unknown one is", async () => {
  const server = await startServer();
  await server.activePerson("ada");
  const logins = FIFTY.map(() => server.login({ username: "ada", password: "wrong horse battery" }));
  await Promise.race(logins);

  await server.query("delete from accounts.users");

  expect(tally(await Promise.all(logins))).toEqual({ INVALID_CREDENTIALS: 50 });
});

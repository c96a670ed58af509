// HIDE_ACCOUNT_EXISTENCE=true: whether an address has an account is told to its owner alone, by mail.
import { describe, expect, test } from "vitest";

import type { Answer, Output } from "../support/graphql.ts";
import { DAY, MINUTE, PASSWORD, startServer, type TestServer } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

const NEW_PASSWORD = "a new battery staple";
const startHiding = (options: { databaseUrl?: string } = {}) =>
  startServer({ env: { HIDE_ACCOUNT_EXISTENCE: "true" }, ...options });

const CONFIRM = "Confirm your email address for Account Server";
const RESET = "Reset your password for Account Server";
const ALREADY = "You already have an account with Account Server";

/** What an address's account can be, and a way to make it so; the last one moves the clock. */
const accounts: Record<string, (server: TestServer, username: string) => Promise<unknown>> = {
  unknown: () => Promise.resolve(),
  pending: (server, username) => server.registerPerson(username),
  active: (server, username) => server.activePerson(username),
  "active with a second, pending registration": async (server, username) => {
    const { email } = await server.activePerson(username);
    await server.registerPerson(`second-${username}`, email);
  },
  expired: async (server, username) => {
    await server.registerPerson(username);
    await server.mailsSettled();
    server.advance(DAY + MINUTE);
  },
};
type Request = (server: TestServer, email: string) => Promise<Answer<Output<"MessagePayload">>>;
const requests: Record<string, Request> = {
  register: (server, email) =>
    server.register({ username: `new-${email.split("@")[0]}`, email, password: NEW_PASSWORD }),
  resendRegistration: (server, email) => server.resendRegistration({ email }),
  requestReset: (server, email) => server.requestReset({ email }),
};
/** The mails that answer each request, in the order of `accounts`. */
const mails: Record<string, string[][]> = {
  register: [[CONFIRM], [CONFIRM], [ALREADY], [ALREADY], [CONFIRM]],
  resendRegistration: [[], [CONFIRM], [ALREADY], [ALREADY], [CONFIRM]],
  requestReset: [[], [CONFIRM], [RESET], [RESET], [CONFIRM]],
};

describe("one job for all, and the right mail to the owner:", () => {
  test.each(Object.keys(requests))("%s", async (operation) => {
    const server = await startHiding();
    const seen: string[] = [];
    for (const [index, [account, prepare]] of Object.entries(accounts).entries()) {
      const username = `ada-${index}`;
      const email = `${username}@example.com`;
      await prepare(server, username);
      await server.mailsSettled();
      const { mailsReceived } = await server.state();
      const earlier = await server.query("select id from accounts_queue.job where name = 'mail'");

      const answer = await requests[operation]!(server, email);

      server.succeed(answer);
      await server.mailsSettled();
      const jobs = await server.query<{ data: object }>(
        "select data from accounts_queue.job where name = 'mail' and id <> all($1)",
        [earlier.map(({ id }) => id)],
      );
      expect(jobs, account).toHaveLength(1);
      seen.push(Object.keys(jobs[0]!.data).sort().join());
      const sent = server.smtp.received.slice(mailsReceived);
      expect(
        sent.map(({ mail }) => mail.subject),
        account,
      ).toEqual(mails[operation]![index]);
      for (const { recipients } of sent) expect(recipients, account).toEqual([email]);
    }
    expect(new Set(seen).size).toBe(1);
  });

  test("the three requests share one message", async () => {
    const server = await startHiding();
    const messages = [];
    for (const request of Object.values(requests))
      messages.push(server.succeed(await request(server, "ada@example.com")).message);

    expect(new Set(messages).size).toBe(1);
    expect(messages[0]).not.toMatch(/ada/);
  });
});

test.each(["requestReset", "resendRegistration"] as const)(
  "%s for an unknown address sends nothing, to nobody",
  async (operation) => {
    const server = await startHiding();
    await server.activePerson("ada");
    server.smtp.received.length = 0;

    server.succeed(await server[operation]({ email: "nobody@example.com" }));
    server.succeed(await server[operation]({ email: "ada@example.com" }));

    await server.smtp.mailTo("ada@example.com");
    await server.mailsSettled();
    expect(server.smtp.received.map(({ recipients }) => recipients)).toEqual([["ada@example.com"]]);
  },
);

test("an owner who registers again learns the username of the account, and gets no link", async () => {
  const server = await startHiding();
  await server.activePerson("ada", "Ada@example.com");
  await server.registerPerson("impostor", "ADA@example.com");

  const { mail } = await server.smtp.mailTo(
    "ada@example.com",
    (received) => received.mail.subject === ALREADY,
  );

  expect(mail.to).toEqual([{ name: "ada", address: "Ada@example.com" }]);
  for (const part of [mail.text, mail.html]) {
    expect(part).toContain("ada");
    expect(part).not.toContain("impostor");
    expect(part).not.toMatch(/https?:\/\/\S*token/);
  }
});

test.each(["username", "address"])(
  "the right password before confirmation is INVALID_CREDENTIALS, with the %s, in the words of a wrong one",
  async (what) => {
    const server = await startHiding();
    const { username, email } = await server.registerPerson("ada");
    const name = what === "username" ? username : email;

    const right = await server.login({ username: name, password: PASSWORD });
    server.refuse(right, "INVALID_CREDENTIALS");
    expect(right.text).toBe((await server.login({ username: name, password: "wrong horse battery" })).text);
    expect(right.text).toBe((await server.login({ username: "nobody", password: PASSWORD })).text);
  },
);

test("a second registration of a pending address replaces the first at once, and either link asks for a password", async () => {
  const server = await startHiding();
  await server.registerPerson("squatter", "ada@example.com", PASSWORD);
  const first = await server.confirmationToken("ada@example.com");

  await server.registerPerson("ada", "Ada@example.com", NEW_PASSWORD);
  const second = await server.confirmationToken("ada@example.com", 2);

  for (const token of [first, second])
    server.refuse(await server.finalizeRegistration({ token }), "PASSWORD_REQUIRED");
  const answer = await server.finalizeRegistration({ token: first, password: NEW_PASSWORD });
  const { user } = server.succeed(answer);
  server.refuse(await server.finalizeRegistration({ token: second, password: PASSWORD }), "INVALID_TOKEN");
  expect(user).toMatchObject({ username: "ada", email: "Ada@example.com" });
  server.refuse(await server.login({ username: "ada", password: PASSWORD }), "INVALID_CREDENTIALS");
  server.succeed(await server.login({ username: "ada", password: NEW_PASSWORD }));
  server.succeed(
    await server.register({ username: "squatter", email: "squatter@example.com", password: PASSWORD }),
  );
});

test("a pending address may register again under the username it has", async () => {
  const server = await startHiding();
  await server.registerPerson("ada", "ada@example.com", PASSWORD);
  await server.registerPerson("ADA", "ada@example.com", NEW_PASSWORD);

  const token = await server.confirmationToken("ada@example.com", 2);
  const answer = await server.finalizeRegistration({ token, password: NEW_PASSWORD });
  expect(server.succeed(answer).user.username).toBe("ADA");
});

test("a confirmed address's first link was used, and a later registration of it has no link at all", async () => {
  const server = await startHiding();
  const { email } = await server.activePerson("ada");
  const used = await server.confirmationToken(email);
  await server.registerPerson("second", email, NEW_PASSWORD);
  server.succeed(await server.resendRegistration({ email }));
  await server.mailsSettled();

  expect(server.subjectsTo(email)).toEqual([CONFIRM, ALREADY, ALREADY]);
  server.refuse(await server.finalizeRegistration({ token: used }), "INVALID_TOKEN");
  for (const received of server.smtp.received.slice(1)) expect(received.raw).not.toContain("eyJ");
  server.refuse(await server.login({ username: "second", password: NEW_PASSWORD }), "INVALID_CREDENTIALS");
  server.refuse(await server.login({ username: email, password: NEW_PASSWORD }), "INVALID_CREDENTIALS");
  expect(server.succeed(await server.login({ username: email, password: PASSWORD })).user.username).toBe(
    "ada",
  );
  const rows = await server.query("select username, is_active from accounts.users order by username");
  expect(rows).toEqual([
    { username: "ada", is_active: true },
    { username: "second", is_active: false },
  ]);
});

test.each(["unknown", "pending", "active"])(
  "whether a username has become taken tells nothing of the address: it has, for an address that was %s",
  async (account) => {
    const server = await startHiding();
    await accounts[account]!(server, "ada");

    const newcomer = { username: "newcomer", email: "ada@example.com", password: NEW_PASSWORD };
    server.succeed(await server.register(newcomer));

    const again = { username: "Newcomer", email: "eve@example.com", password: PASSWORD };
    const error = server.refuse(await server.register(again), "USERNAME_TAKEN");
    expect(error.extensions.field).toBe("username");
  },
);

test.each(["pending", "active", "active with a second, pending registration"])(
  "a taken username is USERNAME_TAKEN whatever the address's account is: %s",
  async (account) => {
    const server = await startHiding();
    await server.activePerson("grace");
    await accounts[account]!(server, "ada");

    const ofKnown = await server.register({
      username: "grace",
      email: "ada@example.com",
      password: PASSWORD,
    });
    const ofUnknown = await server.register({
      username: "grace",
      email: "new@example.com",
      password: PASSWORD,
    });

    server.refuse(ofKnown, "USERNAME_TAKEN");
    expect(ofKnown.text).toBe(ofUnknown.text);
  },
);

test("a pending registration beside an active account gives way to the next one, and frees its username", async () => {
  const server = await startHiding();
  await server.activePerson("ada");
  await server.registerPerson("second", "ada@example.com");
  await server.registerPerson("third", "ada@example.com");

  const rows = await server.query("select username from accounts.users order by username");
  expect(rows.map(({ username }) => username)).toEqual(["ada", "third"]);
  await server.registerPerson("second", "eve@example.com");
});

test("somebody else's pending account is not replaced by its username", async () => {
  const server = await startHiding();
  await server.registerPerson("ada");

  server.refuse(
    await server.register({ username: "ada", email: "eve@example.com", password: PASSWORD }),
    "USERNAME_TAKEN",
  );

  const token = await server.confirmationToken("ada@example.com");
  server.succeed(await server.finalizeRegistration({ token }));
});

test("whoever asked for a reset before confirming gets a confirmation link that works", async () => {
  const server = await startHiding();
  const { email } = await server.registerPerson("ada");
  await server.mailsSettled();
  server.succeed(await server.requestReset({ email }));

  const token = await server.confirmationToken(email, 2);

  expect(server.succeed(await server.finalizeRegistration({ token })).user.isActive).toBe(true);
});

test("a reset of an address with a second, pending registration resets the active account", async () => {
  const server = await startHiding();
  const { email } = await server.activePerson("ada");
  await server.registerPerson("second", email);
  server.succeed(await server.requestReset({ email }));

  const token = tokenIn(await server.smtp.mailTo(email, ({ mail }) => mail.subject === RESET));
  const { user } = server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));

  expect(user.username).toBe("ada");
});

test("malformed arguments and weak passwords are told as ever", async () => {
  const server = await startHiding();
  server.refuse(await server.resendRegistration({ email: "no" }), "BAD_USER_INPUT");
  server.refuse(await server.requestReset({ email: "no" }), "BAD_USER_INPUT");
  const person = { username: "ada", email: "ada@example.com" };
  server.refuse(await server.register({ ...person, password: "short" }), "WEAK_PASSWORD");
});

test.each(["00000000-0000-4000-8000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff"])(
  "once the mode is off again, an address with both an active and a pending account is the active one's: pending is %s",
  async (id) => {
    const hiding = await startHiding();
    const { username, email } = await hiding.activePerson("ada");
    await hiding.registerPerson("second", email);
    await hiding.mailsSettled();
    // Whichever of the two rows comes first. The trail, which is never rewritten, would keep the id as it is.
    await hiding.query("delete from accounts.account_events");
    await hiding.query("update accounts.users set id = $1 where not is_active", [id]);
    const plain = await startServer({ databaseUrl: hiding.databaseUrl });

    plain.refuse(await plain.resendRegistration({ email }), "ALREADY_ACTIVATED");
    plain.succeed(await plain.requestReset({ email }));
    expect(plain.succeed(await plain.login({ username: email, password: PASSWORD })).user.username).toBe(
      username,
    );
    const third = { username: "third", email, password: PASSWORD };
    const error = plain.refuse(await plain.register(third), "EMAIL_TAKEN");
    expect(error.message).toMatch(/already exists\. Log in/);
  },
);

test("how long a probe keeps its username does not tell whether its address has an account", async () => {
  const server = await startServer({
    env: { HIDE_ACCOUNT_EXISTENCE: "true", REGISTRATION_TOKEN_MINUTES: "10" },
  });
  const { email } = await server.activePerson("ada");
  const probe = (username: string, address: string) =>
    server.register({ username, email: address, password: PASSWORD });
  server.succeed(await probe("probe-active", email));
  server.succeed(await probe("probe-unknown", "nobody@example.com"));
  await server.mailsSettled();

  for (const ask of ["requestReset", "resendRegistration"] as const) {
    server.advance(6 * MINUTE);
    for (const address of [email, "nobody@example.com"])
      server.succeed(await server[ask]({ email: address }));
    await server.mailsSettled();
  }
  server.advance(6 * MINUTE); // 18 minutes after the registrations, 6 after the last mails
  for (const username of ["probe-active", "probe-unknown"]) {
    server.refuse(await probe(username, `${username}@elsewhere.example`), "USERNAME_TAKEN");
  }
  server.advance(5 * MINUTE);
  for (const username of ["probe-active", "probe-unknown"]) {
    server.succeed(await probe(username, `${username}@elsewhere.example`));
  }
});

// Pre-hijacking: a stranger registers somebody's email address and waits for its owner to open the link. No link activates a
// password that its opener may not have chosen, and no mail or name of the stranger's helps.
import { beforeAll, describe, expect, test } from "vitest";

import { meetAt, tally } from "../support/hold-back.ts";
import { DAY, MINUTE, PASSWORD, sharedServer, startServer, type TestServer } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

const STRANGERS = "the stranger's password";
const CHOSEN = "chosen at the link";
const VICTIM = "ada@example.com";
const HIDING = { env: { HIDE_ACCOUNT_EXISTENCE: "true" } };
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36";

const byStranger = { username: "stranger", email: VICTIM, password: STRANGERS };
const byVictim = { username: "ada", email: VICTIM, password: PASSWORD };

/** The link asks for a password and stays good; the password given with it is the only one that logs in. */
async function expectOwnPassword(server: TestServer, token: string, username: string): Promise<void> {
  const error = server.refuse(await server.finalizeRegistration({ token }), "PASSWORD_REQUIRED");
  expect(error.extensions.field).toBe("password");
  expect(server.succeed(await server.pendingAccount({ token }))).toMatchObject({
    username,
    needsPassword: true,
  });

  const { user } = server.succeed(await server.finalizeRegistration({ token, password: CHOSEN }));

  expect(user).toMatchObject({ username, email: VICTIM, isActive: true });
  for (const password of [STRANGERS, PASSWORD])
    server.refuse(await server.login({ username: VICTIM, password }), "INVALID_CREDENTIALS");
  server.succeed(await server.login({ username: VICTIM, password: CHOSEN }));
}

describe("a stranger's password opens no account", () => {
  test.each([
    { who: "another username", args: byVictim, code: "EMAIL_TAKEN" },
    { who: "the stranger's username", args: { ...byVictim, username: "Stranger" }, code: "USERNAME_TAKEN" },
    { who: "somebody else's username", args: { ...byVictim, username: "grace" }, code: "USERNAME_TAKEN" },
  ])("whose owner registers after the stranger, with $who, and is told $code", async ({ args, code }) => {
    const server = await startServer();
    await server.registerPerson("grace");
    server.succeed(await server.register(byStranger));
    const first = await server.confirmationToken(VICTIM);

    server.refuse(await server.register(args), code);
    server.succeed(await server.resendRegistration({ email: VICTIM }));

    const second = await server.confirmationToken(VICTIM, 2);
    server.refuse(await server.finalizeRegistration({ token: first }), "PASSWORD_REQUIRED");
    await expectOwnPassword(server, second, "stranger");
    server.refuse(await server.finalizeRegistration({ token: first, password: STRANGERS }), "INVALID_TOKEN");
  });

  test.each([
    { order: "after its owner", first: byVictim, second: byStranger },
    { order: "before its owner", first: byStranger, second: byVictim },
    { order: "under its owner's username", first: byVictim, second: { ...byStranger, username: "ada" } },
  ])(
    "where existence is hidden and the stranger registers $order, whichever link is opened",
    async ({ first, second }) => {
      for (const opened of [1, 2]) {
        const server = await startServer(HIDING);
        server.succeed(await server.register(first));
        await server.confirmationToken(VICTIM);
        server.succeed(await server.register(second));
        await server.confirmationToken(VICTIM, 2);

        const token = await server.confirmationToken(VICTIM, opened);
        await expectOwnPassword(server, token, second.username);

        const other = await server.confirmationToken(VICTIM, 3 - opened);
        server.refuse(
          await server.finalizeRegistration({ token: other, password: STRANGERS }),
          "INVALID_TOKEN",
        );
      }
    },
  );

  test.each([{}, HIDING])(
    "whose owner's own registration has expired, because the owner may take the link for their own (%j)",
    async (options) => {
      const server = await startServer(options);
      server.succeed(await server.register(byVictim));
      const expired = await server.confirmationToken(VICTIM);
      server.advance(DAY + MINUTE);

      server.succeed(await server.register(byStranger));

      server.refuse(await server.finalizeRegistration({ token: expired, password: CHOSEN }), "INVALID_TOKEN");
      await expectOwnPassword(server, await server.confirmationToken(VICTIM, 2), "stranger");
    },
  );

  test("whose owner has left the email address of an active account, and comes back", async () => {
    const server = await startServer(HIDING);
    const ada = await server.activePerson("ada");
    server.succeed(await server.register(byStranger));
    await server.changeEmail(ada, "new@example.com");

    server.succeed(await server.resendRegistration({ email: VICTIM }));

    await expectOwnPassword(server, await server.confirmationToken(VICTIM, 2), "stranger");
  });

  test("not by a weak password at the link either, and the link stays good", async () => {
    const server = await startServer();
    server.succeed(await server.register(byStranger));
    server.refuse(await server.register(byVictim), "EMAIL_TAKEN");
    const token = await server.confirmationToken(VICTIM);

    for (const password of ["short", "password1", "stranger", VICTIM])
      server.refuse(await server.finalizeRegistration({ token, password }), "WEAK_PASSWORD");

    await expectOwnPassword(server, token, "stranger");
  });

  test("of two who open two links at once with two passwords, one gets the account", async () => {
    const server = await startServer(HIDING);
    server.succeed(await server.register(byVictim));
    const first = await server.confirmationToken(VICTIM);
    server.succeed(await server.register(byStranger));
    const second = await server.confirmationToken(VICTIM, 2);

    const answers = await meetAt(
      server,
      "users",
      () => server.finalizeRegistration({ token: first, password: PASSWORD }),
      () => server.finalizeRegistration({ token: second, password: CHOSEN }),
    );

    expect(tally(answers)).toEqual({ done: 1, INVALID_TOKEN: 1 });
    const [won, lost] = answers[0].errors.length === 0 ? [PASSWORD, CHOSEN] : [CHOSEN, PASSWORD];
    server.succeed(await server.login({ username: VICTIM, password: won }));
    server.refuse(await server.login({ username: VICTIM, password: lost }), "INVALID_CREDENTIALS");
  });

  test("and its username is not one that the owner is stuck with", async () => {
    const server = await startServer();
    server.succeed(await server.register(byStranger));
    server.refuse(await server.register(byVictim), "EMAIL_TAKEN");
    const token = await server.confirmationToken(VICTIM);

    const { accessToken } = server.succeed(await server.finalizeRegistration({ token, password: CHOSEN }));

    server.succeed(await server.as(accessToken).changeUsername({ username: "ada" }));
    server.succeed(await server.login({ username: "ada", password: CHOSEN }));
  });
});

describe("while one registration of an email address is known,", () => {
  test("its link activates its password, as before", async () => {
    const server = await startServer();
    server.succeed(await server.register(byVictim));
    server.succeed(await server.resendRegistration({ email: VICTIM }));
    const token = await server.confirmationToken(VICTIM, 2);
    expect(server.succeed(await server.pendingAccount({ token })).needsPassword).toBe(false);

    server.succeed(await server.finalizeRegistration({ token }));

    server.succeed(await server.login({ username: "ada", password: PASSWORD }));
  });

  test("a password given with the link replaces the one of the registration", async () => {
    const server = await startServer();
    server.succeed(await server.register(byVictim));
    const token = await server.confirmationToken(VICTIM);

    server.succeed(await server.finalizeRegistration({ token, password: CHOSEN }));

    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "INVALID_CREDENTIALS");
    server.succeed(await server.login({ username: "ada", password: CHOSEN }));
  });

  test("the registration of somebody else's username contests nothing", async () => {
    const server = await startServer();
    server.succeed(await server.register(byVictim));
    server.refuse(
      await server.register({ ...byStranger, username: "ada", email: "eve@example.com" }),
      "USERNAME_TAKEN",
    );

    server.succeed(await server.finalizeRegistration({ token: await server.confirmationToken(VICTIM) }));
  });

  test("whoever opens its link sees whose account it is before confirming it", async () => {
    const server = await startServer();
    server.succeed(await server.with({ "user-agent": FIREFOX }).register(byStranger));
    const token = await server.confirmationToken(VICTIM);

    const account = server.succeed(await server.pendingAccount({ token }));

    expect(account).toMatchObject({ username: "stranger", email: VICTIM, device: "Firefox, Linux" });
    expect(Math.abs(Date.parse(account.registeredAt) - Date.now())).toBeLessThan(10 * MINUTE);
    server.refuse(await server.login({ username: "stranger", password: STRANGERS }), "ACCOUNT_NOT_ACTIVATED");
    server.succeed(await server.finalizeRegistration({ token }));
    server.refuse(await server.pendingAccount({ token }), "INVALID_TOKEN");
  });
});

describe("a mail to an email address that is not confirmed", () => {
  const LURES = ["www.evil.example", "Call.1-800-555-0199.now"];

  test.each(LURES.flatMap((lure) => ["en", "pt-BR"].map((locale) => ({ lure, locale }))))(
    "shows no username such as $lure, in $locale",
    async ({ lure, locale }) => {
      const server = await startServer();
      server.succeed(await server.register({ ...byStranger, username: lure, locale }));
      server.succeed(await server.resendRegistration({ email: VICTIM }));

      await server.mailsSettled();

      expect(server.smtp.received).toHaveLength(2);
      for (const { mail, raw } of server.smtp.received) {
        expect(mail.to).toEqual([{ name: "", address: VICTIM }]);
        for (const part of [mail.subject, mail.text, mail.html, raw]) expect(part).not.toContain(lure);
      }
    },
  );

  test("shows no username if it asks a stranger to confirm a change", async () => {
    const server = await startServer();
    const { accessToken } = await server.activePerson(LURES[0]!, "eve@example.com");

    await server.askForEmailChange({ accessToken }, VICTIM);

    const { mail, raw } = await server.smtp.mailTo(VICTIM);
    expect(mail.to).toEqual([{ name: "", address: VICTIM }]);
    for (const part of [mail.text, mail.html, raw]) expect(part).not.toContain(LURES[0]);
  });

  test.each([
    {
      locale: "en",
      words: /^On \S+ \d+, \d{4} at \d\d:\d\d UTC \(Chrome, Windows\), someone used this email address/m,
    },
    {
      locale: "pt-BR",
      words: /^Em \d+ de \S+ de \d{4} às \d\d:\d\d UTC \(Chrome, Windows\), alguém usou este/m,
    },
  ])(
    "says in $locale when and with which device it was registered, whoever asked for another mail",
    async ({ locale, words }) => {
      const server = await startServer();
      server.succeed(await server.with({ "user-agent": CHROME }).register({ ...byStranger, locale }));
      await server.mailsSettled();
      server.advance(DAY / 2);
      server.succeed(await server.with({ "user-agent": FIREFOX }).resendRegistration({ email: VICTIM }));
      await server.mailsSettled();

      const [first, second] = server.smtp.received.map(({ mail }) => mail.text ?? "");

      const [said] = words.exec(first ?? "") ?? [];
      expect(first).toMatch(words);
      expect(second).toContain(said);
    },
  );

  test.each(["www.evil.example/1.0 (Linux) x", "Call 1-800-555-0199/1.0 x", "{{link}}", "x".repeat(900)])(
    "shows nothing of an unknown User-Agent header: %.40s",
    async (header) => {
      const server = await startServer();
      server.succeed(await server.with({ "user-agent": header }).register(byStranger));

      const { mail, raw } = await server.smtp.mailTo(VICTIM);

      expect(mail.text).toMatch(/UTC( \(Linux\))?, someone used this email address/);
      for (const part of [mail.text, mail.html, raw]) expect(part).not.toMatch(/evil|800|\{\{|xxxx/);
    },
  );
});

describe("nobody keeps an email address or a username without confirming it:", () => {
  test.each([{}, HIDING])(
    "asking for links holds it for 7 days after the registration (%j)",
    async (options) => {
      const server = await startServer(options);
      server.succeed(await server.register(byStranger));
      for (let day = 0; day < 6; day += 1) {
        server.advance(DAY - MINUTE);
        server.succeed(await server.resendRegistration({ email: VICTIM }));
        await server.mailsSettled();
      }
      server.advance(DAY / 2);
      const taken = { ...byVictim, username: "stranger", email: "eve@example.com" };
      server.refuse(await server.register(taken), "USERNAME_TAKEN");
      server.succeed(await server.resendRegistration({ email: VICTIM }));
      await server.mailsSettled();
      const last = server.smtp.received.at(-1)!;
      expect(last.mail.text).toContain("This link expires in 12 hours.");
      server.advance(11 * 60 * MINUTE);
      server.succeed(await server.pendingAccount({ token: tokenIn(last) }));

      server.advance(2 * 60 * MINUTE);

      server.refuse(await server.pendingAccount({ token: tokenIn(last) }), "INVALID_TOKEN");
      const sent = server.smtp.received.length;
      const answer = await server.resendRegistration({ email: VICTIM });
      if (options === HIDING) server.succeed(answer);
      else expect(server.refuse(answer, "EMAIL_NOT_FOUND").message).toMatch(/Register again/);
      await server.mailsSettled();
      expect(server.smtp.received).toHaveLength(sent);
      server.succeed(await server.register({ ...byVictim, username: "stranger" }));
    },
  );

  test("links that are good for longer than 7 days keep their time", async () => {
    const server = await startServer({ env: { REGISTRATION_TOKEN_MINUTES: String(10 * 24 * 60) } });
    server.succeed(await server.register(byVictim));
    const token = await server.confirmationToken(VICTIM);
    server.advance(9 * DAY);
    server.succeed(await server.resendRegistration({ email: VICTIM }));
    const second = await server.confirmationToken(VICTIM, 2);
    server.succeed(await server.pendingAccount({ token: second }));

    server.succeed(await server.finalizeRegistration({ token }));
  });

  test("a link keeps its time even if a later one is good for less", async () => {
    const server = await startServer();
    server.succeed(await server.register(byVictim));
    const token = await server.confirmationToken(VICTIM);
    await server.mailsSettled();
    const brief = await startServer({
      databaseUrl: server.databaseUrl,
      env: { REGISTRATION_TOKEN_MINUTES: "10" },
    });

    brief.succeed(await brief.resendRegistration({ email: VICTIM }));
    await brief.mailsSettled();

    server.advance(20 * MINUTE);
    server.succeed(await server.finalizeRegistration({ token }));
  });
});

describe("a name of authority", () => {
  const NAMES = [
    "admin",
    "Administrator",
    "root",
    "support",
    "security",
    "postmaster",
    "no-reply",
    "Help_Desk",
    "a.d.m.i.n",
  ];
  const UNNAMEABLE = ["...", "-_-", "-rf", "ada.", ".ada", "_ada_"];
  const shared = sharedServer();
  let accessToken: string;
  beforeAll(async () => {
    ({ accessToken } = await shared().activePerson("ada"));
  });

  test.each([...NAMES, ...UNNAMEABLE])(
    "such as %s goes to nobody who registers or renames",
    async (username) => {
      const server = shared();

      const answers = [
        await server.register({ username, email: "eve@example.com", password: PASSWORD }),
        await server.as(accessToken).changeUsername({ username }),
      ];

      for (const answer of answers) {
        const { message, extensions } = server.refuse(answer, "BAD_USER_INPUT");
        expect(extensions.fields?.map(({ field }) => field)).toEqual(["username"]);
        expect(message).toMatch(/reserved|Begin and end with/);
      }
    },
  );

  test("is not part of a longer one", async () => {
    for (const username of ["administer", "rooted", "support-ada", "helpful"])
      await shared().registerPerson(username);
  });

  test("stays with who has it", async () => {
    const server = await startServer();
    const { id } = await server.activePerson("ada");
    await server.query("update accounts.users set username = 'support' where id = $1", [id]);

    server.succeed(await server.login({ username: "support", password: PASSWORD }));
  });
});

// Accounts that wait for their confirmation: what they keep from others, how they expire, and who may replace them.
import { expect, test } from "vitest";

import { runDailyJob } from "../../support/run-daily-job.ts";
import { DAY, MINUTE, PASSWORD, startServer } from "../../support/server.ts";

const HOUR = 60 * MINUTE;
const NEW_PASSWORD = "a new battery staple";

test("while an account waits for its confirmation, its username and its address are taken, up to the last minute", async () => {
  const server = await startServer();
  const { username, email } = await server.registerPerson("ada");
  await server.mailsSettled();

  for (const passed of [0, DAY - MINUTE]) {
    server.advance(passed);
    const byUsername = { username, email: "other@example.com", password: PASSWORD };
    const byEmail = { username: "other", email, password: PASSWORD };
    const byBoth = { username, email, password: PASSWORD };
    server.refuse(await server.register(byUsername), "USERNAME_TAKEN");
    server.refuse(await server.register(byEmail), "EMAIL_TAKEN");
    server.refuse(await server.register(byBoth), "USERNAME_TAKEN");
  }
  const token = await server.confirmationToken(email);
  server.succeed(await server.finalizeRegistration({ token, password: PASSWORD }));
});

test.each([
  { by: "username", username: "ADA", email: "new@example.com" },
  { by: "address", username: "new", email: "ADA@example.com" },
  { by: "username and address", username: "Ada", email: "ada@EXAMPLE.com" },
])("an expired account is replaced whole by whoever registers its $by", async ({ username, email }) => {
  const server = await startServer();
  await server.registerPerson("ada", "ada@example.com");
  await server.mailsSettled();
  server.advance(DAY + MINUTE);

  server.succeed(await server.register({ username, email, password: NEW_PASSWORD }));

  expect(await server.query("select username, email from accounts.users")).toEqual([{ username, email }]);
  const ordinal = email.toLowerCase() === "ada@example.com" ? 2 : 1;
  const token = await server.confirmationToken(email, ordinal);
  const answer = await server.finalizeRegistration({ token, password: NEW_PASSWORD });
  expect(server.succeed(answer).user).toMatchObject({ username, email });
  server.refuse(await server.login({ username, password: PASSWORD }), "INVALID_CREDENTIALS");
  server.succeed(await server.login({ username, password: NEW_PASSWORD }));
});

test("one registration replaces two expired accounts, one by its username and one by its address", async () => {
  const server = await startServer();
  await server.registerPerson("ada", "first@example.com");
  await server.registerPerson("second", "ada@example.com");
  await server.mailsSettled();
  server.advance(DAY + MINUTE);

  await server.registerPerson("ada", "ada@example.com");

  expect(await server.query("select username, email from accounts.users")).toEqual([
    { username: "ada", email: "ada@example.com" },
  ]);
});

test("an expired account makes room for its username only where the address is free too, and the other way round", async () => {
  const server = await startServer();
  await server.registerPerson("expired", "expired@example.com");
  await server.mailsSettled();
  server.advance(DAY + MINUTE);
  await server.activePerson("active", "active@example.com");
  const before = await server.query("select id from accounts.users order by id");

  server.refuse(
    await server.register({ username: "expired", email: "active@example.com", password: PASSWORD }),
    "EMAIL_TAKEN",
  );
  server.refuse(
    await server.register({ username: "active", email: "expired@example.com", password: PASSWORD }),
    "USERNAME_TAKEN",
  );

  expect(await server.query("select id from accounts.users order by id")).toEqual(before);
});

test.each([
  { by: "username", username: "ada", email: "new@example.com" },
  { by: "address", username: "new", email: "ada@example.com" },
  { by: "username and address", username: "ada", email: "ada@example.com" },
])(
  "the link of an account replaced by its $by is dead, even to a clock that still takes it",
  async (args) => {
    const slow = await startServer();
    const fast = await startServer({ databaseUrl: slow.databaseUrl });
    await slow.registerPerson("ada", "ada@example.com");
    await slow.mailsSettled();
    const sender = slow.smtp.received.length > 0 ? slow : fast;
    const token = await sender.confirmationToken("ada@example.com");
    fast.advance(DAY + MINUTE);
    fast.succeed(await fast.register({ ...args, password: NEW_PASSWORD }));

    slow.refuse(await slow.finalizeRegistration({ token }), "INVALID_TOKEN");

    expect(await slow.query("select username, is_active from accounts.users")).toEqual([
      { username: args.username, is_active: false },
    ]);
    slow.refuse(await slow.login({ username: args.username, password: PASSWORD }), "INVALID_CREDENTIALS");
  },
);

test("an expired account that asks for a new link waits again, and keeps its place", async () => {
  const server = await startServer();
  const { username, email } = await server.registerPerson("ada");
  await server.mailsSettled();
  server.advance(DAY + MINUTE);
  server.refuse(
    await server.finalizeRegistration({ token: await server.confirmationToken(email) }),
    "INVALID_TOKEN",
  );

  server.succeed(await server.resendRegistration({ email }));

  const other = { username: "other", email, password: PASSWORD };
  server.refuse(await server.register(other), "EMAIL_TAKEN");
  const token = await server.confirmationToken(email, 2);
  const answer = await server.finalizeRegistration({ token, password: PASSWORD });
  expect(server.succeed(answer).user.username).toBe(username);
});

test("an account whose mail is late waits for as long as the link in it is good", async () => {
  const server = await startServer();
  server.smtp.refusal = "451 4.3.0 try again later";
  const refused = server.smtp.refusals(1);
  const { email } = await server.registerPerson("ada");
  await refused;
  server.advance(23 * HOUR);
  server.smtp.refusal = null;
  const token = await server.confirmationToken(email);
  server.advance(23 * HOUR);

  server.succeed(await server.finalizeRegistration({ token }));
});

test("an account whose mail was never sent expires all the same", async () => {
  const server = await startServer();
  server.smtp.refusal = "451 4.3.0 try again later";
  const refused = server.smtp.refusals(1);
  const { username, email } = await server.registerPerson("ada");
  await refused;
  await server.query("delete from accounts_queue.job where name = 'mail'");
  server.smtp.refusal = null;
  server.advance(DAY + MINUTE);

  server.succeed(await server.register({ username, email, password: NEW_PASSWORD }));

  expect(await server.query("select id from accounts.users")).toHaveLength(1);
});

test("active accounts never expire", async () => {
  const server = await startServer();
  const { username, email } = await server.activePerson("ada");
  server.advance(400 * DAY);

  server.refuse(
    await server.register({ username, email: "new@example.com", password: PASSWORD }),
    "USERNAME_TAKEN",
  );
  server.refuse(await server.register({ username: "new", email, password: PASSWORD }), "EMAIL_TAKEN");
  server.succeed(await server.login({ username, password: PASSWORD }));
});

test("the daily job removes accounts that expired more than 7 days ago, and no others", async () => {
  const server = await startServer();
  await server.activePerson("active");
  await server.registerPerson("old");
  await server.registerPerson("asked-again");
  await server.mailsSettled();
  server.advance(6 * DAY);
  server.succeed(await server.resendRegistration({ email: "asked-again@example.com" }));
  await server.mailsSettled();
  server.advance(DAY);
  await server.registerPerson("expired");
  await server.mailsSettled();
  server.advance(2 * DAY);
  await server.registerPerson("pending");
  await server.mailsSettled();

  await runDailyJob(server);

  const left = await server.query("select username from accounts.users order by username");
  expect(left.map(({ username }) => username)).toEqual(["active", "asked-again", "expired", "pending"]);
  server.refuse(await server.login({ username: "old", password: PASSWORD }), "INVALID_CREDENTIALS");
});

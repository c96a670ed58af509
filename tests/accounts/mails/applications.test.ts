// APPLICATIONS: whoever names an application of the product gets mails of its name, with links to its pages; never a URL of the
// request.
import { expect, inject, test } from "vitest";

import { createDatabase } from "../../support/postgres.ts";
import { openServer, PASSWORD, startServer, type TestServer } from "../../support/server.ts";
import { linkIn, tokenIn, type ReceivedMail } from "../../support/smtp.ts";

const MOBILE = {
  appName: "Analytical Pocket",
  confirmationUri: "com.example.engines:/confirm?token={token}",
  resetUri: "com.example.engines:/reset?token={token}",
  emailChangeUri: "com.example.engines:/email?token={token}",
};
const STAGING = { origins: ["https://staging.example.com"], resetUri: "https://staging.example.com/#/reset" };
const env = {
  APP_NAME: "Analytical Engines",
  CONFIRMATION_URI: "https://app.example.com/#/finalize",
  APPLICATIONS: JSON.stringify({ mobile: MOBILE, staging: STAGING }),
};
const ada = { username: "ada", email: "ada@example.com", password: PASSWORD };

async function mailWith(server: TestServer, email: string, subject: RegExp): Promise<ReceivedMail> {
  return server.smtp.mailTo(email, ({ mail }) => subject.test(mail.subject ?? ""));
}

test("the whole flow of a native app: its name, its links, and tokens that work", async () => {
  const server = await startServer({ env });
  const application = "mobile";

  server.succeed(await server.register({ ...ada, application }));
  const confirmation = await server.smtp.mailTo(ada.email);
  expect(confirmation.mail.from?.name).toBe("Analytical Pocket");
  expect(confirmation.mail.subject).toBe("Confirm your email address for Analytical Pocket");
  expect(confirmation.raw).not.toContain("Analytical Engines");
  expect(linkIn(confirmation)).toMatch(/^com\.example\.engines:\/confirm\?token=eyJ/);

  server.succeed(await server.resendRegistration({ email: ada.email, application }));
  await server.confirmationToken(ada.email, 2);
  const again = server.smtp.received.at(-1)!;
  expect(linkIn(again)).toMatch(/^com\.example\.engines:\/confirm\?token=eyJ/);
  const { accessToken } = server.succeed(await server.finalizeRegistration({ token: tokenIn(again) }));

  server.succeed(await server.requestReset({ email: ada.email, application }));
  const reset = await mailWith(server, ada.email, /^Reset your password for Analytical Pocket$/);
  expect(linkIn(reset)).toMatch(/^com\.example\.engines:\/reset\?token=eyJ/);

  const newEmail = "lovelace@example.com";
  server.succeed(
    await server.as(accessToken).requestEmailChange({ newEmail, password: PASSWORD, application }),
  );
  const change = await mailWith(server, newEmail, /^Confirm your new email address for Analytical Pocket$/);
  expect(linkIn(change)).toMatch(/^com\.example\.engines:\/email\?token=eyJ/);
  server.succeed(await server.as(accessToken).finalizeEmailChange({ token: tokenIn(change) }));
});

test("what an application leaves open, and whoever names none, is as in the settings of the server", async () => {
  const server = await startServer({ env });

  server.succeed(await server.register({ ...ada, application: "staging" }));
  const confirmation = await server.smtp.mailTo(ada.email);
  expect(confirmation.mail.from?.name).toBe("Analytical Engines");
  expect(linkIn(confirmation)).toMatch(/^https:\/\/app\.example\.com\/#\/finalize\?token=/);
  server.succeed(await server.finalizeRegistration({ token: tokenIn(confirmation) }));

  server.succeed(await server.requestReset({ email: ada.email, application: "staging" }));
  const staging = await mailWith(server, ada.email, /^Reset/);
  expect(linkIn(staging)).toMatch(/^https:\/\/staging\.example\.com\/#\/reset\?token=/);

  server.succeed(await server.requestReset({ email: ada.email, application: null }));
  await server.resetToken(ada.email, 2);
  expect(linkIn(server.smtp.received.at(-1)!)).toMatch(new RegExp(`^${server.url}/#/reset\\?token=`));
});

test.each([
  "Mobile",
  "mobil",
  "",
  "constructor",
  "__proto__",
  "https://evil.example/#/finalize",
  "x".repeat(200),
])("an application %j that is not configured is refused, and nothing is stored or sent", async (name) => {
  const server = await startServer({ env });
  const { accessToken } = await server.activePerson("grace");
  await server.mailsSettled();
  const before = await server.state();
  const newEmail = "hopper@example.com";
  const attempts = [
    () => server.register({ ...ada, application: name }),
    () => server.resendRegistration({ email: "grace@example.com", application: name }),
    () => server.requestReset({ email: "grace@example.com", application: name }),
    () => server.as(accessToken).requestEmailChange({ newEmail, password: PASSWORD, application: name }),
  ];
  for (const attempt of attempts) {
    const error = server.refuse(await attempt(), "BAD_USER_INPUT");
    expect(error.extensions).toMatchObject({ field: "application" });
    expect(error.message).toContain(`has no application "${name.slice(0, 40)}"`);
  }
  expect(await server.state()).toEqual(before);
});

test("a mail that waits while its application leaves the configuration has the server's own links", async () => {
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const before = await openServer({ env, databaseUrl });
  before.server.smtp.refusal = "451 4.3.0 later";
  before.server.succeed(await before.server.register({ ...ada, application: "mobile" }));
  await before.server.smtp.refusals(1);
  await before.stop();

  const after = await startServer({ env: { ...env, APPLICATIONS: "" }, databaseUrl });

  const mail = await after.smtp.mailTo(ada.email);
  expect(mail.mail.from?.name).toBe("Analytical Engines");
  expect(linkIn(mail)).toMatch(/^https:\/\/app\.example\.com\/#\/finalize\?token=/);
});

test("where existence is hidden, whoever is registered already is told in the name of the application", async () => {
  const server = await startServer({ env: { ...env, HIDE_ACCOUNT_EXISTENCE: "true" } });
  await server.activePerson("ada");

  server.succeed(await server.register({ ...ada, username: "countess", application: "mobile" }));

  const notice = await mailWith(server, ada.email, /already have an account/);
  expect(notice.mail.subject).toBe("You already have an account with Analytical Pocket");
});

test("the pages of an application may call the server, as those of CORS_ORIGINS", async () => {
  const server = await startServer({ env: { ...env, CORS_ORIGINS: "https://app.example.com" } });
  for (const origin of ["https://app.example.com", "https://staging.example.com"]) {
    const { headers } = await fetch(`${server.url}/graphql?query={__typename}`, { headers: { origin } });
    expect(headers.get("access-control-allow-origin")).toBe(origin);
  }
});

// The way to the SMTP server: how it is secured, and as whom the server signs in.
import { getCACertificates, setDefaultCACertificates } from "node:tls";

import type { SMTPServerOptions } from "smtp-server";
import { describe, expect, onTestFinished, test } from "vitest";

import { captureLog } from "../support/log.ts";
import { startServer } from "../support/server.ts";
import { CERTIFICATE, SmtpCatcher } from "../support/smtp.ts";

const OUTAGE = /emails wait, because the SMTP server/;

/** A mail server that takes down how each mail came in, until the end of the test. */
async function startMailServer(options: SMTPServerOptions) {
  const sessions: { secure: boolean; user?: string }[] = [];
  const smtp = await SmtpCatcher.start({
    ...options,
    onMailFrom: (_address, session, callback) => {
      const { secure, user } = session as { secure: boolean; user?: string | false };
      sessions.push({ secure, ...(user && { user }) });
      callback();
    },
  });
  onTestFinished(() => smtp.close());
  return { smtp, sessions };
}

function trustTestCertificate(): void {
  const trusted = getCACertificates("default");
  setDefaultCACertificates([...trusted, CERTIFICATE]);
  onTestFinished(() => setDefaultCACertificates(trusted));
}

const WITHOUT_STARTTLS = { disabledCommands: ["STARTTLS"] };

describe("the way to the SMTP server", () => {
  test.each<[string, Record<string, string>, SMTPServerOptions]>([
    ["MAIL_USE_SSL is secured from the first byte", { MAIL_USE_SSL: "true" }, { secure: true }],
    ["MAIL_USE_TLS is secured by STARTTLS", { MAIL_USE_TLS: "true" }, {}],
  ])("with %s, under a certificate that is trusted", async (_what, env, options) => {
    trustTestCertificate();
    const { smtp, sessions } = await startMailServer(options);
    const server = await startServer({ env: { ...env, MAIL_PORT: String(smtp.port) } });
    await server.registerPerson("ada");
    await smtp.mailTo("ada@example.com");
    expect(sessions).toEqual([{ secure: true }]);
  });

  test.each<[string, Record<string, string>, SMTPServerOptions, boolean]>([
    ["MAIL_USE_TLS and a server without STARTTLS", { MAIL_USE_TLS: "true" }, WITHOUT_STARTTLS, true],
    ["MAIL_USE_TLS and a certificate nobody trusts", { MAIL_USE_TLS: "true" }, {}, false],
    ["MAIL_USE_SSL and a certificate nobody trusts", { MAIL_USE_SSL: "true" }, { secure: true }, false],
    ["MAIL_USE_SSL and a server that speaks in the clear", { MAIL_USE_SSL: "true" }, {}, true],
  ])("with %s is not taken: no mail goes out, and none is lost", async (_what, env, options, isTrusted) => {
    if (isTrusted) trustTestCertificate();
    const log = captureLog();
    const { smtp, sessions } = await startMailServer(options);
    const server = await startServer({ env: { ...env, MAIL_PORT: String(smtp.port), LOG_LEVEL: "warn" } });
    await server.registerPerson("ada");
    await log.lines(OUTAGE);
    expect(sessions).toEqual([]);
    expect(smtp.received).toEqual([]);
    const jobs = await server.query(
      "select 1 from accounts_queue.job where name = 'mail' and state <> 'completed'",
    );
    expect(jobs).toHaveLength(1);
  });

  test("without either takes STARTTLS if it is offered, whatever the certificate", async () => {
    const { smtp, sessions } = await startMailServer({});
    const server = await startServer({ env: { MAIL_PORT: String(smtp.port) } });
    await server.registerPerson("ada");
    await smtp.mailTo("ada@example.com");
    expect(sessions).toEqual([{ secure: true }]);
  });

  test("without either goes in the clear if nothing else is offered", async () => {
    const { smtp, sessions } = await startMailServer(WITHOUT_STARTTLS);
    const server = await startServer({ env: { MAIL_PORT: String(smtp.port) } });
    await server.registerPerson("ada");
    await smtp.mailTo("ada@example.com");
    expect(sessions).toEqual([{ secure: false }]);
  });

  const asksForPassword: SMTPServerOptions = {
    authOptional: false,
    onAuth: ({ username, password }, _session, callback) => {
      const isRight = username === "accounts@example.com" && password === "smtp hunter2";
      if (isRight) callback(null, { user: username });
      else callback(new Error("Invalid username or password"));
    },
  };

  test("takes MAIL_USERNAME and MAIL_PASSWORD", async () => {
    trustTestCertificate();
    const { smtp, sessions } = await startMailServer(asksForPassword);
    const server = await startServer({
      env: { MAIL_PORT: String(smtp.port), MAIL_PASSWORD: "smtp hunter2" },
    });
    await server.registerPerson("ada");
    await smtp.mailTo("ada@example.com");
    expect(sessions).toEqual([{ secure: true, user: "accounts@example.com" }]);
  });

  test("tells nobody a MAIL_PASSWORD that is refused", async () => {
    trustTestCertificate();
    const log = captureLog();
    const { smtp, sessions } = await startMailServer(asksForPassword);
    const server = await startServer({
      env: { MAIL_PORT: String(smtp.port), MAIL_PASSWORD: "smtp hunter3", LOG_LEVEL: "debug" },
    });
    await server.registerPerson("ada");
    const [line] = await log.lines(OUTAGE);
    expect(line).toContain("535");
    expect(sessions).toEqual([]);
    const encoded = Buffer.from("\0accounts@example.com\0smtp hunter3").toString("base64");
    for (const secret of ["smtp hunter3", encoded]) expect(log.text).not.toContain(secret);
  });
});

// How mails leave: none is lost, none is sent in vain.
import { describe, expect, onTestFinished, test } from "vitest";

import { captureLog } from "../support/log.ts";
import { DAY, startServer } from "../support/server.ts";
import { linkIn, SmtpCatcher, tokenIn, type ReceivedMail } from "../support/smtp.ts";

const LATER = "451 4.3.0 try again later";
const OUTAGE = /emails wait, because the SMTP server 127\.0\.0\.1:\d+ fails/;

describe("an SMTP server that refuses", () => {
  test("for now, twice, then takes the mails, gets every mail once, each with one Message-ID", async () => {
    const server = await startServer();
    const { smtp } = server;
    const people = ["ada", "grace", "margaret"];
    smtp.refusal = LATER;
    for (const name of people) await server.registerPerson(name);
    await smtp.refusals(3);
    smtp.refusal = "452 4.2.2 mailbox full";
    await smtp.refusals(6);
    smtp.refusal = null;
    await smtp.mails(3);
    await server.mailsSettled();

    expect(smtp.received.flatMap(({ recipients }) => recipients).sort()).toEqual(
      people.map((name) => `${name}@example.com`),
    );
    const idsOf = (recipient: string) =>
      [...smtp.refusedMails, ...smtp.received]
        .filter(({ recipients }) => recipients.includes(recipient))
        .map(({ mail }) => mail.messageId);
    for (const { recipients, mail } of smtp.received) {
      expect(mail.messageId).toMatch(/^<\S+@example\.com>$/);
      expect(new Set(idsOf(recipients[0]!))).toEqual(new Set([mail.messageId]));
    }
    expect(new Set(smtp.received.map(({ mail }) => mail.messageId)).size).toBe(3);
    for (const mail of smtp.received)
      server.succeed(await server.finalizeRegistration({ token: tokenIn(mail) }));
  });

  test("to answer at all gets the mails once it is up", async () => {
    const closed = await SmtpCatcher.start();
    await closed.close();
    const log = captureLog();
    let close = () => Promise.resolve();
    onTestFinished(() => close()); // after the server, which keeps its connections open
    const server = await startServer({ env: { MAIL_PORT: String(closed.port), LOG_LEVEL: "warn" } });
    await server.registerPerson("ada");
    await server.registerPerson("grace");
    await log.lines(OUTAGE);

    const smtp = await SmtpCatcher.start({}, closed.port);
    close = () => smtp.close();
    const received = await smtp.mails(2);
    expect(received.flatMap(({ recipients }) => recipients).sort()).toEqual([
      "ada@example.com",
      "grace@example.com",
    ]);
  });
});

describe("a link mail that is overtaken while the SMTP server refuses it is dropped", () => {
  test("once the account is activated by an earlier link", async () => {
    const server = await startServer();
    await server.registerPerson("ada");
    const token = await server.confirmationToken("ada@example.com");
    server.smtp.refusal = LATER;
    server.succeed(await server.resendRegistration({ email: "ada@example.com" }));
    await server.smtp.refusals(1);
    server.succeed(await server.finalizeRegistration({ token }));
    server.smtp.refusal = null;
    await server.mailsSettled();
    expect(server.smtp.received).toHaveLength(1);
  });

  test("once the password is reset by an earlier link; the notice of it arrives", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    const token = await server.askForReset("ada@example.com");
    server.smtp.refusal = LATER;
    server.succeed(await server.requestReset({ email: "ada@example.com" }));
    await server.smtp.refusals(1);
    server.succeed(await server.finalizeReset({ token, password: "a new battery staple" }));
    server.smtp.refusal = null;
    await server.mailsSettled();
    expect(server.subjectsTo("ada@example.com")).toEqual([
      expect.stringMatching(/^Confirm/),
      expect.stringMatching(/^Reset/),
      expect.stringMatching(/was changed$/),
    ]);
  });

  test("once the account is replaced by another registration", async () => {
    const server = await startServer();
    server.smtp.refusal = LATER;
    await server.registerPerson("ada", "old@example.com");
    await server.smtp.refusals(1);
    server.advance(2 * DAY);
    await server.registerPerson("ada", "new@example.com");
    server.smtp.refusal = null;
    await server.mailsSettled();
    expect(server.smtp.received.map(({ recipients }) => recipients)).toEqual([["new@example.com"]]);
  });
});

describe("a mail", () => {
  test("has a text and an html part with the same link, and asks for no automatic answer", async () => {
    const server = await startServer();
    await server.registerPerson("ada", "Ada.Lovelace@example.com");
    const { mail, recipients } = await server.smtp.mailTo("ada.lovelace@example.com");
    const link = linkIn({ mail } as ReceivedMail);
    expect(mail.html).toContain(link.replaceAll("=", "&#x3D;"));
    expect(recipients).toEqual(["ada.lovelace@example.com"]);
    expect(mail.to).toEqual([{ name: "", address: "Ada.Lovelace@example.com" }]);
    expect(mail.cc ?? mail.bcc).toBeUndefined();
    const header = (key: string) => mail.headers.filter((each) => each.key === key).map(({ value }) => value);
    expect(header("auto-submitted")).toEqual(["auto-generated"]);
    expect(header("content-type")[0]).toMatch(/^multipart\/alternative/);
  });

  test.each([
    ["Account Server", "accounts@example.com", {}],
    ['Ada, "the" <Shop>', "accounts@example.com", { APP_NAME: 'Ada, "the" <Shop>' }],
    ["Café ☕", "accounts@example.com", { APP_NAME: "Café ☕" }],
    ["Account Server", "sender@example.org", { MAIL_DEFAULT_SENDER: "sender@example.org" }],
  ])("comes from %s <%s>", async (name, address, env) => {
    const server = await startServer({ env });
    await server.registerPerson("ada");
    const { mail } = await server.smtp.mailTo("ada@example.com");
    expect(mail.from).toEqual({ name, address });
    expect(mail.subject).toBe(`Confirm your email address for ${name}`);
  });

  test("has the configured subject, taken as it is", async () => {
    const server = await startServer({
      env: { SUBJECT: "Willkommen {{username}} ☕", SUBJECT_RESET: "Neues Passwort" },
    });
    await server.registerPerson("ada");
    const [confirmation] = await server.smtp.mails(1);
    expect(confirmation!.mail.subject).toBe("Willkommen {{username}} ☕");
    server.succeed(await server.finalizeRegistration({ token: tokenIn(confirmation!) }));
    server.succeed(await server.requestReset({ email: "ada@example.com" }));
    expect((await server.smtp.mails(2))[1]?.mail.subject).toBe("Neues Passwort");
  });
});

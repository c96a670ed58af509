// In which language a user is written to.
import { describe, expect, test } from "vitest";

import { DAY, PASSWORD, sharedServer, startServer } from "../support/server.ts";

const ENGLISH = /^Confirm your email address/;
const PORTUGUESE = /^Confirme seu e-mail/;

describe("the confirmation mail", () => {
  const shared = sharedServer();

  test.each([
    { locale: undefined, header: undefined, subject: ENGLISH },
    { locale: "en", header: undefined, subject: ENGLISH },
    { locale: "pt-BR", header: undefined, subject: PORTUGUESE },
    { locale: "PT-br", header: undefined, subject: PORTUGUESE },
    { locale: "pt", header: undefined, subject: PORTUGUESE },
    { locale: "pt-PT", header: undefined, subject: PORTUGUESE },
    { locale: "en-GB", header: undefined, subject: ENGLISH },
    { locale: "tlh", header: undefined, subject: ENGLISH },
    { locale: "no language", header: "pt-BR", subject: ENGLISH },
    { locale: "", header: "pt-BR", subject: ENGLISH },
    { locale: "../pt-BR", header: undefined, subject: ENGLISH },
    { locale: "en", header: "pt-BR", subject: ENGLISH },
    { locale: null, header: "pt-BR", subject: PORTUGUESE },
    { locale: undefined, header: "pt-BR,pt;q=0.9,en;q=0.8", subject: PORTUGUESE },
    { locale: undefined, header: "en;q=0.5, pt;q=0.9", subject: PORTUGUESE },
    { locale: undefined, header: "fr, tlh, pt;q=0.1", subject: PORTUGUESE },
    { locale: undefined, header: "*", subject: ENGLISH },
    { locale: undefined, header: ";;q=,,\u00ff-\u00e9", subject: ENGLISH },
    { locale: undefined, header: "x-".repeat(4000), subject: ENGLISH },
  ])("for locale $locale and Accept-Language $header is $subject", async ({ locale, header, subject }) => {
    const server = shared();
    const username = `ada-${crypto.randomUUID().slice(0, 8)}`;
    const person = { username, email: `${username}@example.com`, password: PASSWORD };
    const headers = header === undefined ? {} : { "accept-language": header };
    server.succeed(
      await server.with(headers).register({ ...person, ...(locale !== undefined && { locale }) }),
    );
    const { mail } = await server.smtp.mailTo(person.email);
    expect(mail.subject).toMatch(subject);
  });

  test("a locale that cannot be stored is BAD_USER_INPUT", async () => {
    const server = shared();
    const person = { username: "ada", email: "ada@example.com", password: PASSWORD };
    const error = server.refuse(await server.register({ ...person, locale: "en\0" }), "BAD_USER_INPUT");
    expect(error.extensions.field).toBe("locale");
  });
});

test("the language of the registration is that of every later mail, whatever a later request accepts", async () => {
  const server = await startServer();
  const email = "ana@example.com";
  server.succeed(await server.register({ username: "ana", email, password: PASSWORD, locale: "pt-BR" }));
  const confirmation = await server.smtp.mailTo(email);
  expect(confirmation.mail.text).toContain("Olá!");
  expect(confirmation.mail.text).toContain("Este link expira em 24 horas.");

  server.succeed(await server.finalizeRegistration({ token: await server.mailedToken(email, PORTUGUESE) }));
  server.succeed(await server.requestReset({ email }));
  const token = await server.mailedToken(email, /^Redefina sua senha/);
  const reset = await server.smtp.mailTo(email, ({ mail }) => (mail.subject ?? "").startsWith("Redefina"));
  expect(reset.mail.text).toContain("Olá, ana!");
  expect(reset.mail.text).toMatch(/Em \d{1,2} de \S+ de \d{4} às \d\d:\d\d UTC, recebemos/);
  server.succeed(await server.finalizeReset({ token, password: "uma nova senha" }));
  await server.smtp.mailTo(email, ({ mail }) => (mail.subject ?? "").startsWith("Sua senha foi alterada"));
});

test("SUBJECT and SUBJECT_RESET stand in every language", async () => {
  const server = await startServer({ env: { SUBJECT: "Welcome", SUBJECT_RESET: "Again" } });
  const email = "ana@example.com";
  server.succeed(await server.register({ username: "ana", email, password: PASSWORD, locale: "pt-BR" }));
  server.succeed(await server.finalizeRegistration({ token: await server.mailedToken(email, /^Welcome$/) }));
  server.succeed(await server.requestReset({ email }));
  await server.mailedToken(email, /^Again$/);
});

test("whoever takes the place of an expired account is written to in their own language", async () => {
  const server = await startServer();
  const email = "ana@example.com";
  server.succeed(await server.register({ username: "ana", email, password: PASSWORD, locale: "pt-BR" }));
  await server.mailsSettled();
  server.advance(2 * DAY);
  server.succeed(await server.register({ username: "ana", email, password: PASSWORD, locale: "en" }));
  await server.mailedToken(email, ENGLISH);
});

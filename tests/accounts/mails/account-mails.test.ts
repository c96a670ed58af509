// What stands in the mails: links as configured, subjects, sender, and texts in which nothing is ever evaluated.
import { expect, test } from "vitest";

import { startServer } from "../../support/server.ts";
import { linkIn, tokenIn, type ReceivedMail } from "../../support/smtp.ts";

const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;

/** The targets of all links of the html part, as a browser reads them. */
function htmlLinks({ mail }: ReceivedMail): string[] {
  return [...(mail.html ?? "").matchAll(/href="([^"]*)"/g)].map(([, href]) =>
    href!.replace(/&(?:amp|quot|lt|gt|#x([0-9a-f]+));/gi, (entity, hex: string | undefined) =>
      hex
        ? String.fromCharCode(parseInt(hex, 16))
        : { "&amp;": "&", "&quot;": '"', "&lt;": "<", "&gt;": ">" }[entity.toLowerCase()]!,
    ),
  );
}

test.each([
  { uri: "https://app.example.com/page", link: "https://app.example.com/page#token=TOKEN" },
  { uri: "https://app.example.com/page?x=1&y=2", link: "https://app.example.com/page?x=1&y=2#token=TOKEN" },
  { uri: "https://app.example.com/#/page", link: "https://app.example.com/#/page?token=TOKEN" },
  { uri: "https://app.example.com/#/page?x=1", link: "https://app.example.com/#/page?x=1&token=TOKEN" },
  { uri: "https://app.example.com/?y=2#/page", link: "https://app.example.com/?y=2#/page?token=TOKEN" },
  {
    uri: "https://app.example.com/page?t={token}&x=1",
    link: "https://app.example.com/page?t=TOKEN&x=1",
  },
  { uri: "https://app.example.com/{token}", link: "https://app.example.com/TOKEN" },
  { uri: "https://app.example.com/#/page/{token}", link: "https://app.example.com/#/page/TOKEN" },
  { uri: "http://localhost:3000/$&/page", link: "http://localhost:3000/$&/page#token=TOKEN" },
])("with $uri configured, the mailed link is $link", async ({ uri, link }) => {
  const server = await startServer({
    env: { CONFIRMATION_URI: uri, RESET_URI: uri.replace("page", "reset") },
  });

  const { username, email } = await server.registerPerson("ada");
  const confirmation = await server.smtp.mailTo(email);
  const token = JWT.exec(linkIn(confirmation))?.[0] ?? "no token";
  expect(linkIn(confirmation)).toBe(link.replace("TOKEN", token));
  expect(new Set(htmlLinks(confirmation))).toEqual(new Set([linkIn(confirmation)]));
  server.succeed(await server.finalizeRegistration({ token }));

  server.succeed(await server.requestReset({ email }));
  const isReset = ({ mail }: ReceivedMail) => /reset/i.test(mail.subject ?? "");
  const reset = await server.smtp.mailTo(email, isReset);
  const resetToken = JWT.exec(linkIn(reset))?.[0] ?? "no token";
  expect(linkIn(reset)).toBe(link.replace("page", "reset").replace("TOKEN", resetToken));
  expect(new Set(htmlLinks(reset))).toEqual(new Set([linkIn(reset)]));
  server.succeed(await server.finalizeReset({ token: resetToken, password: "a new battery staple" }));
  expect(username).toBe("ada");
});

test("the mailed link ignores the request's host and origin", async () => {
  const server = await startServer({ env: { CONFIRMATION_URI: "https://app.example.com/finalize" } });
  const query = `mutation { register(username: "ada", email: "ada@example.com", password: "correct horse battery") { message } }`;

  await server
    .with({
      origin: "https://evil.io",
      referer: "https://evil.io/",
      "x-forwarded-host": "evil.io",
      forwarded: "host=evil.io",
    })
    .execute(query);

  const received = await server.smtp.mailTo("ada@example.com");
  expect(linkIn(received)).toMatch(/^https:\/\/app\.example\.com\/finalize#token=/);
  expect(received.raw).not.toContain("evil.io");
});

test("mails come from APP_NAME at MAIL_USERNAME, with subjects that name it", async () => {
  const server = await startServer({ env: { APP_NAME: "Analytical Engines" } });
  const { email } = await server.activePerson("ada");
  const token = await server.askForReset(email);
  server.succeed(await server.finalizeReset({ token, password: "a new battery staple" }));

  const mails = await server.smtp.mails(3);

  expect(mails.map(({ mail }) => mail.subject)).toEqual([
    "Confirm your email address for Analytical Engines",
    "Reset your password for Analytical Engines",
    "Your password for Analytical Engines was changed",
  ]);
  for (const { mail } of mails) {
    expect(mail.from).toEqual({ name: "Analytical Engines", address: "accounts@example.com" });
  }
});

test("SUBJECT and SUBJECT_RESET replace the subjects of their mails, as they are", async () => {
  const server = await startServer({
    env: {
      SUBJECT: "Welcome {{username}} & all, <b>grüß dich</b>",
      SUBJECT_RESET: "Neues Paßwort für {{appName}}",
    },
  });
  const { email } = await server.registerPerson("ada");
  server.succeed(await server.finalizeRegistration({ token: tokenIn(await server.smtp.mailTo(email)) }));
  server.succeed(await server.requestReset({ email }));

  const mails = await server.smtp.mails(2);

  expect(mails.map(({ mail }) => mail.subject)).toEqual([
    "Welcome {{username}} & all, <b>grüß dich</b>",
    "Neues Paßwort für {{appName}}",
  ]);
});

test("what looks like HTML or a template is text: escaped in html, as it is elsewhere, never evaluated", async () => {
  const appName = `Ada's <b>"A&B"</b> {{username}} {{{link}}}`;
  const server = await startServer({ env: { APP_NAME: appName } });
  const { email } = await server.registerPerson("ada", "{{username}}.a&b'c@example.com");

  const received = await server.smtp.mailTo(email);

  const { mail } = received;
  expect(mail.to).toEqual([{ name: "", address: email }]);
  expect(mail.from?.name).toBe(appName);
  expect(mail.subject).toBe(`Confirm your email address for ${appName}`);
  expect(mail.text).toContain(appName);
  expect(mail.html).not.toContain("<b>");
  expect(mail.html).toContain("&lt;b&gt;");
  expect(mail.html).toContain("A&amp;B");
  expect(mail.html).toContain("{{username}} {{{link}}}");
});

// Which usernames and addresses are accepted, which are one and the same, and that mail reaches the address as given.
import { domainToUnicode } from "node:url";

import { describe, expect, test } from "vitest";

import { PASSWORD, sharedServer, startServer } from "../../support/server.ts";
import { tokenIn } from "../../support/smtp.ts";

const LABEL_63 = "d".repeat(63);
/** Of 189 characters. */
const DOMAIN = `${LABEL_63}.${LABEL_63}.${"e".repeat(57)}.com`;

/** The same mailbox as a mail program writes it, its domain in lower case (RFC 5321, 2.4). */
const inMail = (address: string) => address.replace(/@.*/, (domain) => domain.toLowerCase());
/** As the SMTP server under the test decodes it. */
const asRecipient = (address: string) => {
  const [local = "", domain = ""] = address.toLowerCase().split("@");
  return `${local}@${domainToUnicode(domain)}`;
};
/** Shows what cannot be seen. */
const shown = (text: string) =>
  JSON.stringify(text)
    .replace(/[^ -~]/g, escaped)
    .slice(0, 80);
const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
const titled = (values: string[]) => values.map((value, index) => ({ value, index, title: shown(value) }));

describe("usernames:", () => {
  const shared = sharedServer();

  test.each(
    titled(["abc", "x".repeat(32), "A_b.c-D", "1234", "a--_..b", "Ada.Lovelace", "null", "constructor"]),
  )("$title is allowed, and stays as it was given", async ({ value, index }) => {
    const server = shared();
    const email = `allowed-${index}@example.com`;
    server.succeed(await server.register({ username: value, email, password: PASSWORD }));

    const token = await server.confirmationToken(email);
    expect(server.succeed(await server.finalizeRegistration({ token })).user.username).toBe(value);
  });

  test.each(
    titled([
      "",
      "ab",
      "x".repeat(33),
      "ada lovelace",
      " ada",
      "ada ",
      "ada\n",
      "ada\r\nBcc: evil@example.com",
      "ada\t",
      "ada@example.com",
      "@ada",
      "ada+x",
      "ada/x",
      "ada\\x",
      "ada:x",
      "ada,x",
      "<b>ada</b>",
      "ada&eve",
      "ada'x",
      'ada"x',
      "{{appName}}",
      "${appName}",
      "%00ada",
      "\u00e4da",
      "a\u0308da",
      "\u212aelvin", // the Kelvin sign, whose lower case is an ASCII k
      "\u0131smail", // a dotless i, whose upper case is an ASCII I
      "\u0410da", // a Cyrillic A
      "\uff41da", // a full-width a
      "ada\u200b",
      "ada\u202e",
      "\ufeffada",
      "🦊🐢🦉",
      "\u0661\u0662\u0663", // Arabic digits
    ]),
  )("$title is BAD_USER_INPUT", async ({ value, index }) => {
    const server = shared();
    const email = `refused-${index}@example.com`;

    const error = server.refuse(
      await server.register({ username: value, email, password: PASSWORD }),
      "BAD_USER_INPUT",
    );

    expect(error.extensions.fields).toEqual([
      { field: "username", message: expect.stringMatching(/3 to 32/) as string },
    ]);
    server.refuse(await server.requestReset({ email }), "EMAIL_NOT_FOUND");
  });

  test("are unique, and good for logging in, without regard to case", async () => {
    const server = shared();
    await server.activePerson("Grace");

    for (const username of ["grace", "GRACE", "gRACE"]) {
      const args = { username, email: "other@example.com", password: PASSWORD };
      server.refuse(await server.register(args), "USERNAME_TAKEN");
      expect(server.succeed(await server.login({ username, password: PASSWORD })).user.username).toBe(
        "Grace",
      );
    }
  });
});

describe("addresses:", () => {
  const shared = sharedServer();

  test.each(
    titled([
      "ada@example.com",
      "Ada.Lovelace@Example.COM",
      "a@b.co",
      "ada+tag@example.com",
      "ada_l@example.com",
      "-ada-@example.com",
      "1815@example.com",
      "!#$%&'*+/=?^_`{|}~-@example.com",
      "a&b'c@example.com",
      "{{appName}}@example.com",
      "{{{link}}}@example.com",
      "${x}@example.com",
      "%s@example.com",
      "ada@xn--bcher-kva.example",
      "ada@mail.sub-domain.example.co.uk",
      "ada@1and1.example",
      "ada@9.example",
      `${"l".repeat(64)}@example.com`,
      `ada@${LABEL_63}.example`,
      `${"l".repeat(63)}@${DOMAIN}`, // 253 characters, the most that smtp-server takes
    ]),
  )("$title is accepted, and mail goes to it as it was given", async ({ value, index }) => {
    const server = shared();
    const username = `ada-${index}`;
    server.succeed(await server.register({ username, email: value, password: PASSWORD }));

    const received = await server.smtp.mailTo(asRecipient(value));
    const { recipients, mail } = received;
    expect(recipients).toEqual([asRecipient(value)]);
    expect(mail.to).toEqual([{ name: "", address: inMail(value) }]);
    expect([mail.cc, mail.bcc, mail.replyTo].filter((field) => field?.length)).toEqual([]);
    const answer = await server.finalizeRegistration({ token: tokenIn(received) });
    expect(server.succeed(answer).user.email).toBe(value);
    server.succeed(await server.login({ username: value, password: PASSWORD }));
  });

  test.each(
    titled([
      "",
      " ",
      "ada",
      "@",
      "ada@",
      "@example.com",
      "ada@localhost",
      "ada@example.com.",
      "ada@.example.com",
      "ada@example..com",
      "ada@-example.com",
      "ada@example-.com",
      "ada@exa_mple.com",
      "ada@example.123",
      "ada@127.0.0.1",
      "ada@[127.0.0.1]",
      "ada@[IPv6:::1]",
      ".ada@example.com",
      "ada.@example.com",
      "ada..lovelace@example.com",
      "ada@eve@example.com",
      "ada@example.com@evil.io",
      '"ada"@example.com',
      '"ada lovelace"@example.com',
      '"a@evil.io"@example.com',
      "ada\\@evil.io@example.com",
      "ada(comment)@example.com",
      "ada@example.com(comment)",
      "a@x.io, evil@x.io",
      "a@x.io,evil@x.io",
      "a@x.io;evil@x.io",
      "a@x.io evil@x.io",
      "a@x.io\r\nBcc: evil@x.io",
      "a@x.io\nevil@x.io",
      "a@x.io\r\n",
      "a@x.io\n",
      "a@x.io\t",
      " a@x.io",
      "a@x.io ",
      "a @x.io",
      "a@ x.io",
      "a@x .io",
      "<a@x.io>",
      "a@x.io>",
      "a@x.io> SIZE=1\r\nRCPT TO:<evil@x.io",
      "Ada <a@x.io>",
      '"Ada" <a@x.io>',
      "friends: a@x.io;",
      "mailto:a@x.io",
      "a:b@x.io",
      "a@x.io:25",
      "a@x.io/path",
      "a@x.io%0aevil@x.io",
      "a@x.io\0",
      "a\u007f@x.io",
      "\u00e4da@example.com",
      "ada@b\u00fccher.example",
      "ada@example\u3002com", // an ideographic full stop
      "\u212aelvin@example.com",
      "adm\u0131n@example.com",
      "ada@\uff45xample.com",
      "ada\u200b@example.com",
      "ada\u00a0@example.com",
      "ada\uff20example.com",
      `${"l".repeat(65)}@example.com`,
      `ada@${"d".repeat(64)}.example`,
      `${"l".repeat(64)}@e${DOMAIN}`,
      `ada@${"d.".repeat(5_000)}example`,
    ]),
  )("$title is BAD_USER_INPUT, wherever an address is asked for", async ({ value, index }) => {
    const server = shared();
    const username = `eve-${index}`;

    for (const answer of [
      await server.register({ username, email: value, password: PASSWORD }),
      await server.resendRegistration({ email: value }),
      await server.requestReset({ email: value }),
    ]) {
      const error = server.refuse(answer, "BAD_USER_INPUT");
      expect(error.extensions.fields?.map(({ field }) => field)).toEqual(["email"]);
    }
    expect(await server.query("select id from accounts.users where username = $1", [username])).toEqual([]);
  });

  test("are the same without regard to case, by ASCII rules, wherever one is given", async () => {
    const server = shared();
    const { username } = await server.activePerson("hopper", "Grace.Hopper@Example.com");

    for (const email of ["grace.hopper@example.com", "GRACE.HOPPER@EXAMPLE.COM"]) {
      server.refuse(await server.register({ username: "other", email, password: PASSWORD }), "EMAIL_TAKEN");
      server.refuse(await server.resendRegistration({ email }), "ALREADY_ACTIVATED");
      expect(server.succeed(await server.login({ username: email, password: PASSWORD })).user.username).toBe(
        username,
      );
    }
    server.succeed(await server.requestReset({ email: "GRACE.HOPPER@EXAMPLE.COM" }));
    const { mail } = await server.smtp.mailTo("grace.hopper@example.com", (received) =>
      /reset/i.test(received.mail.subject ?? ""),
    );
    expect(mail.to, "the local part as it is stored").toEqual([
      { name: username, address: "Grace.Hopper@example.com" },
    ]);
  });

  test("254 characters are accepted", async () => {
    const server = await startServer();
    const email = `${"l".repeat(64)}@${DOMAIN}`;
    expect(email).toHaveLength(254);

    server.succeed(await server.register({ username: "long", email, password: PASSWORD }));
    expect(await server.query("select email from accounts.users")).toEqual([{ email }]);
  });

  test.each(["ada+tag@example.com", "a.da@example.com", "ada@sub.example.com", "ada@example.co"])(
    "%s is another address than ada@example.com",
    async (email) => {
      const server = await startServer();
      await server.registerPerson("ada", "ada@example.com");

      server.succeed(await server.register({ username: "other", email, password: PASSWORD }));
      await server.smtp.mailTo(email);
    },
  );
});

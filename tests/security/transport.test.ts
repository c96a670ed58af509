// What leaves the server over a network: emails with their links, credentials, and the connection to the database. And
// whose word counts on where a request came from.
import type { SMTPServerOptions } from "smtp-server";
import { describe, expect, onTestFinished, test } from "vitest";

import { type ConfigError, loadConfig } from "../../src/config/config.ts";
import type { Environment } from "../../src/config/reader.ts";
import { captureLog } from "../support/log.ts";
import { startProcess } from "../support/process.ts";
import { PASSWORD, sharedServer, startServer, type TestServer } from "../support/server.ts";
import { SmtpCatcher } from "../support/smtp.ts";

const OUTAGE = /emails wait, because the SMTP server/;
const LOGIN = { MAIL_USERNAME: "accounts@example.com", MAIL_PASSWORD: "smtp hunter2" };
const PRODUCTION = {
  NODE_ENV: "production",
  DATABASE_URL: "postgresql://app:pw@localhost/app",
  JWT_SECRET: "a secret of this test, at least 32 bytes long",
  MAIL_SERVER: "localhost",
  MAIL_USERNAME: "accounts@example.com",
  HIDE_ACCOUNT_EXISTENCE: "true",
  CONFIRMATION_URI: "https://app.example.com/#/finalize",
  RESET_URI: "https://app.example.com/#/reset",
};

const warningsOf = (environment: Environment) => loadConfig({ ...PRODUCTION, ...environment }).warnings;

function faultsOf(environment: Environment): readonly string[] {
  try {
    loadConfig({ ...PRODUCTION, ...environment });
    return [];
  } catch (error) {
    return (error as ConfigError).faults;
  }
}

/** A mail server that takes down every password that it is given, in the clear too. */
async function startManInTheMiddle(options: SMTPServerOptions) {
  const passwords: unknown[] = [];
  const smtp = await SmtpCatcher.start({
    allowInsecureAuth: true,
    ...options,
    onAuth: ({ username, password }, _session, callback) => {
      passwords.push(password);
      callback(null, { user: username });
    },
  });
  onTestFinished(() => smtp.close());
  return { smtp, passwords };
}

describe("the password of the SMTP server and the links in emails", () => {
  const attacks: [string, SMTPServerOptions][] = [
    ["STARTTLS is hidden", { disabledCommands: ["STARTTLS"] }],
    ["the certificate is self-signed", {}],
  ];

  test.each(attacks)("are not given to a man in the middle: %s", async (_attack, options) => {
    const log = captureLog();
    const { smtp, passwords } = await startManInTheMiddle(options);
    const server = await startServer({ env: { ...LOGIN, MAIL_PORT: String(smtp.port), LOG_LEVEL: "warn" } });
    await server.registerPerson("ada");
    await log.lines(OUTAGE);
    expect(passwords).toEqual([]);
    expect(smtp.received).toEqual([]);
  });

  test.each(attacks)("go there only where MAIL_USE_TLS=optional says so: %s", async (_attack, options) => {
    const { smtp, passwords } = await startManInTheMiddle(options);
    const server = await startServer({
      env: { ...LOGIN, MAIL_USE_TLS: "optional", MAIL_PORT: String(smtp.port) },
    });
    await server.registerPerson("ada");
    await smtp.mailTo("ada@example.com");
    expect(passwords).toEqual([LOGIN.MAIL_PASSWORD]);
  });

  test("are not risked by a MAIL_USE_TLS=false of another application", () => {
    expect(faultsOf({ ...LOGIN, MAIL_USE_TLS: "false" })).toEqual([
      expect.stringMatching(/^MAIL_USE_TLS is false, but MAIL_PASSWORD needs TLS\. Remove MAIL_USE_TLS, /),
    ]);
  });

  test.each<[Environment, RegExp | null]>([
    [
      { MAIL_SERVER: "smtp.example.com" },
      /^Emails with their links may go to smtp\.example\.com in the clear\./,
    ],
    [
      { MAIL_SERVER: "smtp.example.com", ...LOGIN, MAIL_USE_TLS: "optional" },
      /^Emails with their links and MAIL_PASSWORD may go to smtp\.example\.com in the clear\..*MAIL_USE_TLS=true/,
    ],
    [{ MAIL_SERVER: "smtp.example.com", ...LOGIN }, null],
    [{ MAIL_SERVER: "smtp.example.com", MAIL_USE_TLS: "true" }, null],
    [{ MAIL_SERVER: "smtp.example.com", MAIL_USE_SSL: "true" }, null],
    [{ MAIL_SERVER: "127.0.0.1" }, null],
  ])("are not risked in silence: %j", (environment, warning) => {
    expect(warningsOf(environment)).toEqual(warning === null ? [] : [expect.stringMatching(warning)]);
  });
});

describe("a database across the network", () => {
  test.each([
    "postgresql://app:hunter2@db.example.com/app",
    "postgresql://app:hunter2@10.0.0.7:5432/app?sslmode=disable",
    "postgresql://app:hunter2@db.example.com/app?sslmode=require",
    "postgresql://app:hunter2@db.example.com/app?sslmode=no-verify",
    "postgresql://app:hunter2@localhost/app?host=db.example.com",
    "postgresql://app:hunter2@[2001:db8::1]/app",
  ])("is not used without checked TLS in silence: %s", (DATABASE_URL) => {
    const warnings = warningsOf({ DATABASE_URL });
    expect(warnings).toEqual([
      expect.stringMatching(/^DATABASE_URL leads over the network to \S+ .* sslmode=verify-full/),
    ]);
    expect(warnings.join()).not.toContain("hunter2");
  });

  test.each([
    "postgresql://app:pw@db.example.com/app?sslmode=verify-full",
    "postgresql://app:pw@localhost:5432/app",
    "postgresql://app:pw@127.0.0.1/app",
    "postgresql://app:pw@[::1]/app",
    "postgresql://app:pw@localhost/app?host=/var/run/postgresql",
    "postgresql://app@%2Fvar%2Frun%2Fpostgresql/app",
    "postgresql:///app",
  ])("is not seen where there is none: %s", (DATABASE_URL) => {
    expect(warningsOf({ DATABASE_URL })).toEqual([]);
  });

  test("is a line of the log at start, and so is a HIDE_ACCOUNT_EXISTENCE that nobody has decided on", async () => {
    const server = await startProcess({
      env: {
        ...PRODUCTION,
        HIDE_ACCOUNT_EXISTENCE: "",
        DATABASE_URL: "postgresql://app:hunter2@nowhere.invalid/app",
      },
    });
    await expect.poll(() => server.output).toContain("cannot be reached yet");
    const lines = server.output.split("\n").filter((line) => line.startsWith("{"));
    expect(lines.slice(0, 2).map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({
        level: 40,
        msg: expect.stringContaining("HIDE_ACCOUNT_EXISTENCE") as string,
      }),
      expect.objectContaining({ level: 40, msg: expect.stringContaining("sslmode=verify-full") as string }),
    ]);
    expect(server.output).not.toContain("hunter2");
  });
});

describe("a secret that can be guessed", () => {
  const repeated = (text: string) => text.repeat(8);
  test.each([
    ["a".repeat(32), "repeats one text"],
    [repeated("changeme"), "repeats one text"],
    [`${repeated("changeme")}change`, "repeats one text"],
    ["aabbaabbbbaaabababbbabaabbabaaabbba", "has only 2 different bytes"],
    ["short", "has 5 bytes"],
  ])("is refused in production: %s", (secret, weakness) => {
    for (const name of ["JWT_SECRET", "SECRET_KEY"]) {
      const faults = faultsOf({ JWT_SECRET: "", [name]: secret });
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatch(new RegExp(`^${name} ${weakness}\\. Set it to at least 32 random bytes`));
      expect(faults[0]).not.toContain(secret);
    }
  });

  test.each([32, 64])("is not seen in %i random hexadecimal digits", (length) => {
    for (let count = 0; count < 1000; count += 1) {
      const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(length / 2))).toString("hex");
      expect(faultsOf({ JWT_SECRET: secret })).toEqual([]);
    }
  });
});

test("a page that anybody on the way can change may not call the server in production", () => {
  expect(faultsOf({ CORS_ORIGINS: "http://app.example.com" })).toEqual([
    expect.stringMatching(/^CORS_ORIGINS contains "http:\/\/app\.example\.com", .* Set it to https origins/),
  ]);
  expect(faultsOf({ CORS_ORIGINS: "https://app.example.com,http://localhost:3000" })).toEqual([]);
});

describe("the IP address of a request", () => {
  const trusting = sharedServer({ env: { TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8" } });

  /** The address in the audit trail of a login that fails. */
  async function addressOf(server: TestServer, headers: Record<string, string>): Promise<unknown> {
    await server.with(headers).login({ username: "nobody", password: PASSWORD });
    const rows = await server.query<{ address: string }>(
      "select address from accounts.account_events order by coalesce(last_occurred_at, occurred_at) desc, id desc limit 1",
    );
    return rows[0]?.address;
  }

  test.each([
    ["<script>alert(1)</script>", "127.0.0.1"],
    ["unknown", "127.0.0.1"],
    ["a".repeat(8000), "127.0.0.1"],
    ["6.6.6.6.6", "127.0.0.1"],
    ["6.6.6.6:99999999", "127.0.0.1"],
    ["fe80::1%<script>", "127.0.0.1"],
    ["198.51.100.1, ", "127.0.0.1"],
    ["198.51.100.1, unknown", "127.0.0.1"],
    ["unknown, 203.0.113.7", "203.0.113.7"],
    ["203.0.113.7", "203.0.113.7"],
    ["203.0.113.7:1234", "203.0.113.7"],
    ["2001:DB8:0::1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:db8::1]:1234", "2001:db8::1"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::ffff:cb00:7107", "203.0.113.7"],
    ["198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"],
    ["198.51.100.1, ::ffff:10.1.2.3", "198.51.100.1"],
  ])("is one, or else that of the proxy, whatever the proxy passes on: %s", async (forwarded, address) => {
    expect(await addressOf(trusting(), { "x-forwarded-for": forwarded })).toBe(address);
  });

  test("is not taken from a proxy that is not trusted, whichever header it uses", async () => {
    const server = await startServer({ env: { TRUSTED_PROXIES: "10.0.0.0/8" } });
    for (const name of ["x-forwarded-for", "x-real-ip", "x-client-ip", "forwarded"]) {
      const claim = name === "forwarded" ? "for=6.6.6.6" : "6.6.6.6";
      expect(await addressOf(server, { [name]: claim }), name).toBe("127.0.0.1");
    }
  });
});

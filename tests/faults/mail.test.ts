// Mail servers that are down, refuse, hang, are slow or hang up: no mail is lost, none is sent twice, and none keeps the others waiting.
import { getCACertificates, setDefaultCACertificates } from "node:tls";

import type { SMTPServerOptions } from "smtp-server";
import { describe, expect, inject, onTestFinished, test } from "vitest";

import { captureLog } from "../support/log.ts";
import { createDatabase } from "../support/postgres.ts";
import { openServer, startServer, type TestServer } from "../support/server.ts";
import { CERTIFICATE, SmtpCatcher } from "../support/smtp.ts";

const OUTAGE = /emails wait, because the SMTP server/g;
const OVER = /the SMTP server takes emails again/g;

const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const addresses = (people: string[]) => people.map((name) => `${name}@example.com`).sort();
const recipientsOf = (smtp: SmtpCatcher) => smtp.received.flatMap(({ recipients }) => recipients).sort();

async function register(server: TestServer, people: string[]): Promise<void> {
  await Promise.all(people.map((name) => server.registerPerson(name)));
}

/** Emails with the state of their jobs, oldest first. */
const jobs = (server: TestServer) =>
  server.query<{
    state: string;
    deletion_seconds: number;
    priority: number;
    retry_count: number;
    why: string;
  }>(
    `select state, deletion_seconds, priority, retry_count, output->>'message' as why
     from accounts_queue.job where name = 'mail' order by created_on`,
  );

/** A mail server of the test's own, which may be there before the server and after it. */
async function startMailServer(options: SMTPServerOptions = {}): Promise<SmtpCatcher> {
  const smtp = await SmtpCatcher.start(options);
  onTestFinished(() => smtp.close());
  return smtp;
}

const sending = (smtp: SmtpCatcher, more: Record<string, string> = {}) => ({
  env: { MAIL_PORT: String(smtp.port), LOG_LEVEL: "info", ...more },
});

describe("a mail that is refused for good", () => {
  test.each<[string, (smtp: SmtpCatcher) => void]>([
    ["at RCPT", (smtp) => (smtp.atRecipient = (to) => (to.startsWith("eve") ? "550 5.1.1 who?" : null))],
    [
      "after DATA",
      (smtp) =>
        (smtp.refusal = ({ recipients: [to] }) =>
          to!.startsWith("eve") ? "554 5.7.1 spam to <eve@example.com>" : null),
    ],
  ])(
    "%s fails at once, is kept and logged once, without its address; the others go",
    async (_where, refuse) => {
      const log = captureLog();
      const server = await startServer({ env: { LOG_LEVEL: "info" } });
      const { smtp } = server;
      refuse(smtp);
      await register(server, ["eve", "ada"]);
      await smtp.mailTo("ada@example.com");
      const [line] = await log.lines(/email failed, it waits for an operator/);
      const inState = async (wanted: string) => (await jobs(server)).filter(({ state }) => state === wanted);
      await expect.poll(() => inState("failed")).toHaveLength(1);
      await expect.poll(() => inState("completed")).toHaveLength(1);

      const [failed] = await inState("failed");
      expect(failed).toMatchObject({
        deletion_seconds: 0,
        why: expect.stringMatching(/55[04] 5\.[17]\.1$/) as string,
      });
      expect(line).toContain("ERROR");
      expect(log.text.match(/email failed/g)).toHaveLength(1);
      expect(log.text).not.toContain("eve@");
      expect(log.text).not.toMatch(OUTAGE);
      expect(smtp.recipients.filter((to) => to.startsWith("eve"))).toHaveLength(1);
    },
  );
});

test("greylisting only delays a mail", async () => {
  const server = await startServer();
  const { smtp } = server;
  const asked = new Map<string, number>();
  smtp.atRecipient = (to) => {
    asked.set(to, (asked.get(to) ?? 0) + 1);
    return asked.get(to)! <= 2 ? "450 4.2.0 greylisted" : null;
  };
  await register(server, ["ada", "grace"]);
  await server.mailsSettled();
  expect(recipientsOf(smtp)).toEqual(addresses(["ada", "grace"]));
  expect(Math.max(...asked.values())).toBe(3);
});

describe("mails that hang keep no other waiting", () => {
  test(
    "at RCPT: they leave the lane, come back by themselves, and are sent once",
    { timeout: 120_000 },
    async () => {
      const server = await startServer();
      const { smtp } = server;
      const release = Promise.withResolvers<null>();
      smtp.atRecipient = (to) => (to.startsWith("slow") ? release.promise : null);
      const slow = names("slow", 5);
      const quick = names("quick", 30);
      await register(server, slow);
      await smtp.asked(/^slow/, 5); // every connection of the lane is taken
      await register(server, quick);

      await smtp.mails(quick.length);
      expect(recipientsOf(smtp)).toEqual(addresses(quick));
      const lanes = async () =>
        (await jobs(server)).filter(({ state }) => state !== "completed").map(({ priority }) => priority);
      await expect.poll(lanes).toEqual(slow.map(() => -1));

      release.resolve(null);
      await server.mailsSettled();
      expect(recipientsOf(smtp)).toEqual(addresses([...slow, ...quick]));
    },
  );

  test(
    "after DATA: their answer is awaited beside the lane, and they are not sent again",
    { timeout: 120_000 },
    async () => {
      const server = await startServer();
      const { smtp } = server;
      const release = Promise.withResolvers<undefined>();
      let held = 0;
      smtp.beforeAnswer = ({ recipients }) => {
        if (!recipients[0]!.startsWith("slow")) return undefined;
        held += 1;
        return release.promise;
      };
      const slow = names("slow", 5);
      const quick = names("quick", 30);
      await register(server, slow);
      await expect.poll(() => held).toBe(5);
      await register(server, quick);

      await smtp.mails(quick.length);
      expect(recipientsOf(smtp)).toEqual(addresses(quick));

      release.resolve(undefined);
      await server.mailsSettled();
      expect(recipientsOf(smtp)).toEqual(addresses([...slow, ...quick]));
      expect(held).toBe(5);
    },
  );
});

describe("an outage is one line in the log, costs no mail an attempt, and its end wakes all mails", () => {
  test("of a mail server that is down", async () => {
    const closed = await SmtpCatcher.start();
    await closed.close();
    const log = captureLog();
    let close = () => Promise.resolve();
    onTestFinished(() => close()); // after the server, which keeps its connections open
    const server = await startServer(sending(closed));
    const people = names("person", 30);
    await register(server, people);
    await log.lines(/emails wait/);
    await expect.poll(async () => (await jobs(server)).filter(({ state }) => state === "active")).toEqual([]);
    for (const { retry_count } of await jobs(server)) expect(retry_count).toBeLessThanOrEqual(1);

    const smtp = await SmtpCatcher.start({}, closed.port);
    close = () => smtp.close();
    await smtp.mails(people.length);
    await server.mailsSettled();
    expect(recipientsOf(smtp)).toEqual(addresses(people));
    expect(log.text.match(OUTAGE)).toHaveLength(1);
    expect(log.text.match(OVER)).toHaveLength(1);
    expect(log.text).not.toContain("will try again");
  });

  test("of a password that is refused: one login for all mails", async () => {
    const trusted = getCACertificates("default");
    setDefaultCACertificates([...trusted, CERTIFICATE]);
    onTestFinished(() => setDefaultCACertificates(trusted));
    let logins = 0;
    const smtp = await startMailServer({
      authOptional: false,
      onAuth: (_auth, _session, callback) => {
        logins += 1;
        callback(new Error("Invalid username or password"));
      },
    });
    const log = captureLog();
    const server = await startServer(sending(smtp, { MAIL_PASSWORD: "wrong" }));
    await register(server, names("person", 30));
    const [line] = await log.lines(/emails wait/);
    expect(line).toContain("refuses the login");
    await expect.poll(async () => (await jobs(server)).filter(({ state }) => state === "active")).toEqual([]);
    expect(logins).toBe(1);
    expect(log.text.match(OUTAGE)).toHaveLength(1);
  });

  test("of TLS that fails", async () => {
    const smtp = await startMailServer();
    const log = captureLog();
    const server = await startServer(sending(smtp, { MAIL_USE_TLS: "true" }));
    await register(server, ["ada", "grace"]);
    await log.lines(/emails wait/);
    const trusted = getCACertificates("default");
    setDefaultCACertificates([...trusted, CERTIFICATE]);
    onTestFinished(() => setDefaultCACertificates(trusted));
    await smtp.mails(2);
    await log.lines(OVER);
    expect(log.text.match(OUTAGE)).toHaveLength(1);
  });

  test("of a sender that is refused, as no other mail would fare better", async () => {
    let isRefused = true;
    const smtp = await startMailServer({
      onMailFrom: (_address, _session, callback) => {
        if (isRefused) callback(Object.assign(new Error("5.7.1 not yours"), { responseCode: 550 }));
        else callback();
      },
    });
    const log = captureLog();
    const server = await startServer(sending(smtp));
    await register(server, ["ada", "grace"]);
    await log.lines(/emails wait/);
    isRefused = false;
    await smtp.mails(2);
    await log.lines(OVER);
    expect(log.text.match(OUTAGE)).toHaveLength(1);
  });
});

test("a greeting that takes its time delays the mails, and is no outage", async () => {
  const greeting = Promise.withResolvers<undefined>();
  let connections = 0;
  const smtp = await startMailServer({
    onConnect: (_session, callback) => {
      connections += 1;
      void greeting.promise.then(() => callback());
    },
  });
  const log = captureLog();
  const server = await startServer(sending(smtp));
  await register(server, names("person", 10));
  await expect.poll(() => connections).toBeGreaterThan(0);
  greeting.resolve(undefined);
  await smtp.mails(10);
  await server.mailsSettled();
  expect(smtp.received).toHaveLength(10);
  expect(log.text).not.toMatch(OUTAGE);
});

test("a mail server that allows two connections gets two, and all mails", async () => {
  const smtp = await startMailServer({ maxClients: 2 });
  const log = captureLog();
  const server = await startServer(sending(smtp));
  let others: Promise<unknown> | undefined;
  // The first one keeps its connection until all others are there.
  smtp.beforeAnswer = () => (others === undefined ? (others = smtp.mails(39)) : undefined);
  await register(server, names("person", 40));
  await smtp.mails(40);
  await server.mailsSettled();
  expect(smtp.received).toHaveLength(40);
  expect(log.text).not.toMatch(OUTAGE);
});

test("a connection that is dropped after DATA costs another attempt, as the same mail", async () => {
  const server = await startServer();
  const { smtp } = server;
  smtp.beforeAnswer = ({ recipients }) =>
    recipients[0]!.startsWith("ada") && smtp.dropped.length === 0 ? "drop" : undefined;
  await register(server, ["ada", "grace"]);
  await smtp.mails(2);
  await server.mailsSettled();
  expect(recipientsOf(smtp)).toEqual(addresses(["ada", "grace"]));
  const ada = smtp.received.find(({ recipients }) => recipients[0]!.startsWith("ada"));
  expect(ada!.mail.messageId).toBe(smtp.dropped[0]!.mail.messageId);
});

test("a stop while a slow relay has mails sends none of them twice", async () => {
  const smtp = await startMailServer();
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const { server, stop } = await openServer({ ...sending(smtp), databaseUrl });
  const release = Promise.withResolvers<undefined>();
  let held = 0;
  smtp.beforeAnswer = () => {
    held += 1;
    return release.promise;
  };
  const people = names("person", 10);
  await register(server, people);
  await expect.poll(() => held).toBeGreaterThanOrEqual(5);
  const stopped = stop();
  await expect
    .poll(() =>
      fetch(`${server.url}/livez`).then(
        () => "taken",
        () => "refused",
      ),
    )
    .toBe("refused");
  release.resolve(undefined);
  await stopped;
  expect(smtp.received.length).toBeLessThan(people.length);

  const next = await startServer({ ...sending(smtp), databaseUrl });
  await smtp.mails(people.length);
  await next.mailsSettled();
  expect(recipientsOf(smtp)).toEqual(addresses(people));
});

// A server under test: the real application in this process, over HTTP, with a database of its own, a real SMTP
// server and a clock that can be moved.
import pg from "pg";
import { afterAll, beforeAll, expect, inject, onTestFinished } from "vitest";

import { Hashing } from "../../src/accounts/hashing/hashing.ts";
import { App } from "../../src/app/app.ts";
import { loadConfig, type Config } from "../../src/config/config.ts";
import type { MailboxMessage } from "../../src/mail/mailbox-folder.ts";
import { createDatabase, dropDatabase } from "./postgres.ts";
import { GraphQLDoor, type Output } from "./graphql.ts";
import { temporaryFolder } from "./process.ts";
import { SmtpCatcher, tokenIn } from "./smtp.ts";

export const PASSWORD = "correct horse battery";
export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

export interface Person {
  readonly username: string;
  readonly email: string;
  readonly password: string;
}

export interface ActivePerson extends Person {
  readonly id: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

export class TestServer extends GraphQLDoor {
  readonly smtp: SmtpCatcher;
  readonly databaseUrl: string;
  /** With METRICS_PORT. */
  readonly metricsUrl: string;
  readonly #database: pg.Pool;
  readonly #clock: Clock;

  constructor(url: string, smtp: SmtpCatcher, database: pg.Pool, clock: Clock, metricsUrl = "") {
    super(url);
    this.metricsUrl = metricsUrl;
    this.smtp = smtp;
    this.databaseUrl = database.options.connectionString!;
    this.#database = database;
    this.#clock = clock;
  }

  /** Moves the server's clock forward. */
  advance(milliseconds: number): void {
    this.#clock.offset += milliseconds;
  }

  /** Stops the server's clock at a moment, earlier or later than now. */
  freezeAt(moment: Date): void {
    this.#clock.frozenAt = moment;
  }

  /** Moves the clock of the rate limits forward, which is PostgreSQL's. */
  async advanceRateLimits(seconds: number): Promise<void> {
    await this.query(
      `update accounts.rate_limits set blocked_until = blocked_until - make_interval(secs => $1),
         resets_at = resets_at - make_interval(secs => $1)`,
      [seconds],
    );
  }

  /** Resolves once every queued mail has been sent or dropped. */
  async mailsSettled(): Promise<void> {
    const waiting = "select id from accounts_queue.job where name = 'mail' and state <> 'completed'";
    await expect.poll(() => this.query(waiting)).toEqual([]);
  }

  /** All that a refused operation must leave as it is. */
  async state(): Promise<{
    users: unknown[];
    sessions: unknown[];
    emailChanges: unknown[];
    mailJobs: number;
    mailsReceived: number;
  }> {
    const users = await this.query("select * from accounts.users order by id");
    const sessions = await this.query("select * from accounts.sessions order by id");
    const emailChanges = await this.query("select * from accounts.email_changes order by id");
    const jobs = await this.query("select id from accounts_queue.job where name = 'mail'");
    const mailsReceived = this.smtp.received.length;
    return { users, sessions, emailChanges, mailJobs: jobs.length, mailsReceived };
  }

  async query<Row = Record<string, unknown>>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#database.query(sql, values)).rows as Row[];
  }

  /** Takes the stopped server's database away. */
  dropDatabase(): Promise<void> {
    return dropDatabase(inject("postgresUrl"), this.databaseUrl);
  }

  /** Registers somebody; the mail is on its way. */
  async registerPerson(
    username: string,
    email = `${username}@example.com`,
    password = PASSWORD,
  ): Promise<Person> {
    const person = { username, email, password };
    this.succeed(await this.register(person));
    return person;
  }

  /** The subjects of the mails to `email`, in the order of their arrival. */
  subjectsTo(email: string): (string | undefined)[] {
    return this.smtp.received
      .filter(({ recipients }) => recipients.includes(email))
      .map(({ mail }) => mail.subject);
  }

  /** The token of the newest mail to `email` with `subject`, once it is there. */
  async mailedToken(email: string, subject: RegExp, ordinal = 1): Promise<string> {
    const matching = () =>
      this.smtp.received.filter(
        ({ recipients, mail }) =>
          recipients.includes(email.toLowerCase()) && subject.test(mail.subject ?? ""),
      );
    while (matching().length < ordinal) await this.smtp.mails(this.smtp.received.length + 1);
    return tokenIn(matching()[ordinal - 1]!);
  }

  /** What the mailbox holds, newest first, once there are `count` mails. */
  async mailbox(count: number): Promise<MailboxMessage[]> {
    const messages = async () =>
      (await (await fetch(`${this.url}/mailbox/messages`)).json()) as MailboxMessage[];
    await expect.poll(async () => (await messages()).length).toBe(count);
    return messages();
  }

  confirmationToken(email: string, ordinal = 1): Promise<string> {
    return this.mailedToken(email, /confirm your email address/i, ordinal);
  }

  resetToken(email: string, ordinal = 1): Promise<string> {
    return this.mailedToken(email, /reset your password/i, ordinal);
  }

  /** The token of the mail to a new address. */
  emailChangeToken(newEmail: string, ordinal = 1): Promise<string> {
    return this.mailedToken(newEmail, /confirm your new email address/i, ordinal);
  }

  /** The token of the notice to an old address. */
  undoToken(oldEmail: string): Promise<string> {
    return this.mailedToken(oldEmail, /your email address .* was changed/i);
  }

  /** Asks for a reset, and takes the token of the mail. */
  async askForReset(email: string): Promise<string> {
    this.succeed(await this.requestReset({ email }));
    return this.resetToken(email);
  }

  /** Asks for another address, and takes the token of the mail to it. */
  async askForEmailChange(
    { accessToken }: { accessToken: string },
    newEmail: string,
    password = PASSWORD,
  ): Promise<string> {
    this.succeed(await this.as(accessToken).requestEmailChange({ newEmail, password }));
    return this.emailChangeToken(newEmail);
  }

  /** Changes somebody's address, and signs in with that. */
  async changeEmail(
    who: { accessToken: string },
    newEmail: string,
    password = PASSWORD,
  ): Promise<Output<"AuthPayload">> {
    const token = await this.askForEmailChange(who, newEmail, password);
    return this.succeed(await this.as(who.accessToken).finalizeEmailChange({ token }));
  }

  /** Registers and confirms somebody; returns the tokens and the id too. */
  async activePerson(username: string, email = `${username}@example.com`): Promise<ActivePerson> {
    const person = await this.registerPerson(username, email);
    const answer = await this.finalizeRegistration({ token: await this.confirmationToken(email) });
    const { accessToken, refreshToken, user } = this.succeed(answer);
    return { ...person, accessToken, refreshToken: refreshToken!, id: user.id };
  }

  /**
   * As activePerson, with the role of administrators, which nobody gets through a public door without one, and with the password
   * just confirmed.
   */
  async admin(username = "root"): Promise<ActivePerson> {
    const person = await this.activePerson(`new-${username}`, `${username}@example.com`);
    const change = "update accounts.users set roles = '{USER,ADMIN}', username = $2 where id = $1";
    await this.query(change, [person.id, username]); // the username may be reserved
    this.succeed(await this.as(person.accessToken).confirmPassword(person));
    return { ...person, username };
  }
}

interface Clock {
  offset: number;
  frozenAt?: Date;
}

export interface ServerOptions {
  readonly env?: Record<string, string>;
  readonly databaseUrl?: string;
  /** What the environment may not say. */
  readonly config?: Partial<Config>;
}

/** Starts a server that lives until the end of the test. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const { server, stop } = await openServer(options);
  if (options.databaseUrl === undefined) onTestFinished(() => server.dropDatabase());
  onTestFinished(stop);
  return server;
}

/** Starts a server whose mails stay in its mailbox. */
export async function startWithMailbox(env: Record<string, string> = {}): Promise<TestServer> {
  return startServer({ env: { MAIL_SERVER: "", DATA_DIR: await temporaryFolder(), ...env } });
}

/** Called in a describe block: one server for all its tests, for tables whose cases do not meet. */
export function sharedServer(options: ServerOptions = {}): () => TestServer {
  let opened: Awaited<ReturnType<typeof openServer>> | undefined;
  beforeAll(async () => {
    opened = await openServer(options);
  });
  afterAll(async () => {
    await opened?.stop();
    await opened?.server.dropDatabase();
  });
  return () => opened!.server;
}

/** A hash takes a millisecond instead of 20, which are a fifth of the time of all tests. */
const LITTLE_WORK = { memoryKiB: 1024, passes: 1 };
/** The environment of a server that hashes as in production, for tests about hashes and about the time that they take. */
export const FULL_HASHES = { PASSWORD_HASH_MIB: "19" };

/** One process that hashes for all servers of a test file. */
const hashing = new Hashing(1, { warn: console.warn });

/** Starts a server for its caller to stop. */
export async function openServer({ env = {}, databaseUrl, config: more }: ServerOptions = {}): Promise<{
  server: TestServer;
  stop: () => Promise<void>;
}> {
  const smtp = await SmtpCatcher.start();
  const url = databaseUrl ?? (await createDatabase(inject("postgresUrl")));
  const clock: Clock = { offset: 0 };
  const config = {
    ...loadConfig({
      NODE_ENV: "test",
      LOG_LEVEL: process.env["LOG_LEVEL"] ?? "error",
      PORT: "0",
      DATABASE_URL: url,
      RATE_LIMITS: "off", // tests come from one address; those of the limits turn them on
      JWT_SECRET: "a secret of this test, at least 32 bytes long",
      MAIL_SERVER: "127.0.0.1",
      MAIL_PORT: String(smtp.port),
      MAIL_USERNAME: "accounts@example.com",
      ...env,
    }),
    ...more,
  };
  const app = new App(
    env["PASSWORD_HASH_MIB"] === undefined ? { ...config, passwordHash: LITTLE_WORK } : config,
    { now: () => clock.frozenAt ?? new Date(Date.now() + clock.offset), hashing },
  );
  const database = new pg.Pool({ connectionString: url, max: 1 });
  database.on("error", () => undefined); // a test may end every connection
  const stop = async () => {
    await app.stop();
    await smtp.close();
    await database.end();
  };
  try {
    await app.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { server: new TestServer(app.url, smtp, database, clock, app.metricsUrl), stop };
}

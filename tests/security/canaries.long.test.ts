// Every secret that the server is given or makes, planted and looked for afterwards: in the log, in errors, in the mailbox's index, in
// the queue and all other tables, in PostgreSQL's files and in PostgreSQL's log of all statements.
import { randomBytes, randomUUID } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { solveChallenge, type Challenge } from "altcha-lib";
import { deriveKey } from "altcha-lib/algorithms/pbkdf2";
import argon2 from "argon2";
import pg from "pg";
import { expect, onTestFinished, test, vi } from "vitest";

import { Canaries } from "../support/canaries.ts";
import { listedCodes, type Answer, type GraphQLDoor, type OperationName } from "../support/graphql.ts";
import { startPostgres } from "../support/postgres.ts";
import { startProcess, temporaryFolder } from "../support/process.ts";
import { startRangeService } from "../support/range-service.ts";
import type { MailboxMessage } from "../../src/mail/mailbox-folder.ts";
import { TestServer } from "../support/server.ts";
import { linkIn, SmtpCatcher, tokenIn } from "../support/smtp.ts";

const OPERATIONS = [...listedCodes.keys()].sort();
/** What an AuthPayload and a cookie are there to bring. */
const TOKENS = new Set(["accessToken", "refreshToken", "deviceToken"]);
/** The beginning of every password hash, which may be in the database and nowhere else. */
const HASH = /\$argon2\w+\$v=|\$2[aby]\$\d\d\$|\$pbkdf2-sha512\$\d/;

/** What all answers hold, but the tokens where they belong. */
class Answers {
  readonly #canaries: Canaries;
  readonly succeeded = new Set<string>();
  readonly refused = new Set<string>();
  readonly failed = new Set<string>();
  text = "";

  constructor(canaries: Canaries) {
    this.#canaries = canaries;
    const send = globalThis.fetch.bind(globalThis);
    const spy = vi.spyOn(globalThis, "fetch").mockImplementation(async (...request) => {
      const response = await send(...request);
      // The emails of the mailbox are there to show their links; a stream of events has no end.
      if (!/\/mailbox\/(?:events|messages)/.test(response.url)) await this.#take(response.clone());
      return response;
    });
    onTestFinished(() => spy.mockRestore());
  }

  async #take(response: Response): Promise<void> {
    const text = await response.text();
    const cookies = response.headers.getSetCookie();
    for (const cookie of cookies) this.#takeCookie(cookie);
    const headers = [...response.headers].filter(([name]) => name !== "set-cookie");
    const attributes = cookies.map((cookie) => cookie.replace(/=[^;]*/, ""));
    this.text += `${[...headers, ...attributes].join("\n")}\n${text.startsWith("{") ? this.#takeBody(text) : text}\n`;
  }

  #takeCookie(cookie: string): void {
    const [, name, value = ""] = /^([^=]+)=([^;]*)/.exec(cookie)!;
    for (const token of value.split(".")) if (token !== "") this.#canaries.token(`the cookie ${name}`, token);
  }

  /** @returns the body without tokens */
  #takeBody(text: string): string {
    const { data, ...others } = JSON.parse(text) as Body;
    for (const { path, extensions } of others.errors ?? [])
      if (path) (extensions.code === "INTERNAL_SERVER_ERROR" ? this.failed : this.refused).add(path[0]!);
    for (const [name, value] of Object.entries(data ?? {})) if (value !== null) this.succeeded.add(name);
    const withoutTokens = JSON.stringify({ data }, (name, value: unknown) => {
      if (!TOKENS.has(name) || typeof value !== "string") return value;
      this.#canaries.token(name, value);
      return undefined;
    });
    return withoutTokens + JSON.stringify(others);
  }
}

interface Body {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: { readonly path?: string[]; readonly extensions: { readonly code: string } }[];
}

interface Person {
  readonly username: string;
  readonly email: string;
  readonly password: string;
}
type SignedIn = Person & { readonly accessToken: string; readonly refreshToken: string; readonly id: string };

/** Everybody who uses a server, with passwords that are canaries. */
class Users {
  readonly server: TestServer;
  readonly #canaries: Canaries;
  readonly #name = `u${randomBytes(3).toString("hex")}`;
  #count = 0;

  constructor(server: TestServer, canaries: Canaries) {
    this.server = server;
    this.#canaries = canaries;
  }

  password = (what: string) => this.#canaries.password(what);

  /** A client that no rate limit knows yet. */
  client(headers: Record<string, string> = {}): GraphQLDoor {
    this.#count += 1;
    const address = `198.51.${Math.floor(this.#count / 250)}.${this.#count % 250}`;
    return this.server.with({ "x-forwarded-for": address, "user-agent": "Firefox", ...headers });
  }

  as = ({ accessToken }: { accessToken: string }) => this.client({ authorization: `Bearer ${accessToken}` });

  newPerson(): Person {
    this.#count += 1;
    const username = `${this.#name}-${this.#count}`;
    return { username, email: `${username}@example.com`, password: this.password("a registered password") };
  }

  /** Sends an operation, after a challenge if it is asked for one. */
  async solving<T>(send: (more: { challengeSolution?: string }) => Promise<Answer<T>>): Promise<Answer<T>> {
    const answer = await send({});
    const error = answer.errors[0] as { extensions: { challenge?: Challenge } } | undefined;
    const challenge = error?.extensions.challenge;
    if (!challenge) return answer;
    const solution = (await solveChallenge({ challenge, deriveKey }))!;
    const challengeSolution = btoa(JSON.stringify({ challenge, solution }));
    this.#canaries.text("the key that solves a challenge", solution.derivedKey.slice(-32));
    this.#canaries.text("the solution of a challenge", challengeSolution);
    return send({ challengeSolution });
  }

  register = (person: Person) => this.solving((more) => this.client().register({ ...person, ...more }));
  login = (person: Person, more: object = {}, client = this.client()) =>
    this.solving((solution) => client.login({ ...person, ...more, ...solution }));
  requestReset = ({ email }: Person) =>
    this.solving((more) => this.client().requestReset({ email, ...more }));

  async registered(): Promise<Person> {
    const person = this.newPerson();
    this.server.succeed(await this.register(person));
    return person;
  }

  async mailedToken(email: string, subject: RegExp, ordinal = 1): Promise<string> {
    return this.server.mailedToken(email, subject, ordinal);
  }

  async active(): Promise<SignedIn> {
    const person = await this.registered();
    const token = await this.mailedToken(person.email, CONFIRM);
    const { accessToken, refreshToken, user } = this.server.succeed(
      await this.client().finalizeRegistration({ token }),
    );
    return { ...person, accessToken, refreshToken: refreshToken!, id: user.id };
  }

  async admin(): Promise<SignedIn> {
    const person = await this.active();
    await this.server.query("update accounts.users set roles = '{USER,ADMIN}' where id = $1", [person.id]);
    this.server.succeed(await this.as(person).confirmPassword(person));
    return person;
  }

  async resetToken(person: Person, ordinal = 1): Promise<string> {
    this.server.succeed(await this.requestReset(person));
    return this.mailedToken(person.email, RESET, ordinal);
  }

  async emailChangeToken(person: SignedIn, newEmail: string): Promise<string> {
    this.server.succeed(await this.as(person).requestEmailChange({ newEmail, password: person.password }));
    return this.mailedToken(newEmail, CHANGE);
  }
}

const CONFIRM = /confirm your email address/i;
const RESET = /reset your password/i;
const CHANGE = /confirm your new email address/i;
const UNDO = /your email address .* was changed/i;

/** What every operation does when all goes well. One that is missing here fails the test. */
async function everySuccess(users: Users): Promise<void> {
  const { server } = users;
  const anybody = () => users.client();

  const pending = await users.registered();
  server.succeed(await anybody().resendRegistration(pending));
  const token = await users.mailedToken(pending.email, CONFIRM);
  server.succeed(await anybody().pendingAccount({ token }));
  const query = `{ pendingAccount(token: "${token}") { username } }`;
  server.succeed(
    await anybody().send(
      { headers: { "content-type": "application/json" } },
      `/graphql?query=${encodeURIComponent(query)}`,
    ),
  );
  const password = users.password("a password of finalizeRegistration");
  const first = server.succeed(await anybody().finalizeRegistration({ token, password }));
  const person = { ...pending, password, id: first.user.id };

  server.succeed(await users.login(person));
  const { deviceToken } = server.succeed(await users.login({ ...person, username: person.email }));
  const second = server.succeed(await users.login(person, { deviceToken }));
  const { refreshToken } = server.succeed(
    await anybody().refreshSession({ refreshToken: second.refreshToken }),
  );
  server.succeed(await anybody().refreshSession({ refreshToken }));
  const browser = users.client({ "session-transport": "cookie" });
  const cookies = (await users.login(person, {}, browser)).headers.getSetCookie();
  const cookie = cookies.map((each) => each.split(";")[0]).join("; ");
  server.succeed(await browser.with({ cookie }).refreshSession());

  const door = () => users.as(first);
  server.succeed(await door().me());
  const sessions = server.succeed(await door().sessions());
  server.succeed(await door().recentActivity());
  server.succeed(await door().confirmPassword({ password }));
  server.succeed(await door().exportAccount({ password }));
  server.succeed(await door().changeUsername({ username: `${person.username}-2` }));
  server.succeed(await door().revokeSession({ id: sessions.find(({ current }) => !current)!.id }));

  const newPassword = users.password("a password of changePassword");
  const changed = server.succeed(await door().changePassword({ currentPassword: password, newPassword }));
  const resetPassword = users.password("a password of finalizeReset");
  const reset = server.succeed(
    await users
      .client({ authorization: `Bearer ${await users.resetToken(person)}` })
      .finalizeReset({ password: resetPassword }),
  );
  server.refuse(await users.as(changed).me(), "UNAUTHENTICATED");

  let owner: SignedIn = {
    ...person,
    password: resetPassword,
    accessToken: reset.accessToken,
    refreshToken: "",
  };
  const newEmail = `new-${person.email}`;
  const change = await users.emailChangeToken(owner, newEmail);
  const moved = server.succeed(
    await anybody().finalizeEmailChange({ token: change, password: owner.password }),
  );
  owner = { ...owner, accessToken: moved.accessToken };
  server.succeed(await users.as(owner).endEmailChangeUndo(owner));
  const undo = await users.mailedToken(owner.email, UNDO);
  const undone = server.succeed(await anybody().finalizeEmailChange({ token: undo }));
  server.succeed(await users.as(undone).logout());
  const again = server.succeed(await users.login({ ...owner, username: owner.email }));
  server.succeed(await users.as(again).logoutEverywhere());
  const last = server.succeed(await users.login({ ...owner, username: owner.email }));
  server.succeed(await users.as(last).deleteAccount(owner));
  server.succeed(await users.login({ ...owner, username: owner.email }));

  const admin = await users.admin();
  const adminDoor = () => users.as(admin);
  const { id } = await users.active();
  server.succeed(await adminDoor().users());
  server.succeed(await adminDoor().user({ id }));
  server.succeed(await adminDoor().accountEvents({ userId: id }));
  for (const operation of ["endUserSessions", "deactivateUser", "reactivateUser"] as const)
    server.succeed(await adminDoor()[operation]({ id }));
  server.succeed(await adminDoor().setUserRoles({ id, roles: ["USER", "ADMIN"] }));
}

/** Refuses every operation, with arguments that are all secret and all wrong. */
async function everyRefusal(users: Users): Promise<void> {
  const { server } = users;
  const person = await users.active();
  const forged = (token: string) => `${token.slice(0, -43)}${randomBytes(32).toString("base64url")}`;
  const wrong = {
    username: "no",
    email: "no",
    newEmail: "no",
    password: users.password("a wrong password"),
    currentPassword: users.password("a wrong current password"),
    newPassword: users.password("a refused new password"),
    token: forged(person.accessToken),
    refreshToken: forged(person.refreshToken),
    deviceToken: randomBytes(64).toString("base64url"),
    challengeSolution: users.password("a wrong solution"),
    id: randomUUID(),
    userId: randomUUID(),
    roles: ["ADMIN"],
  };
  for (const name of OPERATIONS) await users.as({ accessToken: wrong.token })[name](wrong);
  // Those that ask for a session and a password, or for the role.
  for (const name of OPERATIONS)
    if (name !== "logout" && name !== "logoutEverywhere") await users.as(person)[name](wrong);

  // What is refused later: names that are taken, wrong passwords, links and tokens that were used, too many tries, breached passwords.
  await users.register({ ...users.newPerson(), username: person.username });
  await users.register({ ...users.newPerson(), email: person.email });
  await users.register({ ...users.newPerson(), password: `${users.password("a password with NUL")}\0` });
  await users.register({ ...users.newPerson(), password: BREACHED });
  await users.login({ ...person, password: wrong.password });
  await users.login(users.newPerson());
  await users.login(await users.registered());
  for (const used of [person.refreshToken, person.refreshToken]) {
    const { refreshToken } = (await users.client().refreshSession({ refreshToken: used })).data ?? {};
    if (refreshToken) await users.client().refreshSession({ refreshToken });
  }
  const guesser = users.client();
  for (let guess = 0; guess < 12; guess += 1)
    await users.login({ ...person, password: users.password("a guess") }, {}, guesser);
  const reset = await users.resetToken(person);
  for (let times = 0; times < 2; times += 1)
    await users.client().finalizeReset({ token: reset, password: users.password("a reset password") });

  // What is no GraphQL, no JSON and no URL of ours.
  const typed = users.password("a password in a malformed request");
  const client = users.client();
  await client.execute(`mutation { login(username: "ada", password: "${typed}) { accessToken } }`);
  await client.execute(
    `mutation { login(username: "ada", password: [${JSON.stringify(typed)}]) { accessToken } }`,
  );
  await client.execute(
    'mutation ($password: String!) { login(username: "a", password: $password) { expiresAt } }',
    { password: [typed] },
  );
  await client.send({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `{"query": "${typed}`,
  });
  await client.send({ method: "POST", headers: { "content-type": typed.replaceAll("ß", "") }, body: typed });
  await client.send({}, `/graphql?query=${encodeURIComponent(typed)}`);
  await client.send({}, `/finalize?token=${wrong.token}`);
  server.succeed(await users.client().me());
}

/** Has every operation fail, at each table that it needs, and at the row that it writes. */
async function everyFailure(users: Users): Promise<void> {
  const { server } = users;
  const places: [breaks: string, mends: string][] = [
    ...["users", "sessions", "email_changes", "account_events"].map((table): [string, string] => [
      `alter table accounts.${table} rename to gone`,
      `alter table accounts.gone rename to ${table}`,
    ]),
    ["alter table accounts_queue.job rename to gone", "alter table accounts_queue.gone rename to job"],
    // PostgreSQL's error then quotes the row, with the hash of the password.
    [
      "alter table accounts.users add constraint no_more check (false) not valid",
      "alter table accounts.users drop constraint no_more",
    ],
  ];
  for (const [breaks, mends] of places) {
    const admin = await users.admin();
    const pending = await users.registered();
    const newEmail = `new-${admin.email}`;
    const arguments_: Record<string, unknown> = {
      ...users.newPerson(),
      newEmail: `newer-${admin.email}`,
      password: admin.password,
      currentPassword: admin.password,
      newPassword: users.password("a password that is not stored"),
      refreshToken: admin.refreshToken,
      id: admin.id,
      userId: admin.id,
      roles: ["USER", "ADMIN"],
    };
    const tokens: Partial<Record<OperationName, string>> = {
      pendingAccount: await users.mailedToken(pending.email, CONFIRM),
      finalizeRegistration: await users.mailedToken(pending.email, CONFIRM),
      finalizeReset: await users.resetToken(admin),
      finalizeEmailChange: await users.emailChangeToken(admin, newEmail),
    };
    await server.mailsSettled();
    await server.query(breaks);
    for (const name of OPERATIONS)
      await users.solving(
        (more) =>
          users.as(admin)[name]({ ...arguments_, token: tokens[name], ...more }) as Promise<Answer<unknown>>,
      );
    await users.solving((more) =>
      users.client().login({ username: admin.username, password: admin.password, ...more }),
    );
    await server.query(mends);
  }
}

/** The SMTP server refuses the password, then the emails, whose links and texts it quotes. */
async function everySmtpFailure(users: Users, smtp: Smtp): Promise<void> {
  const { server } = users;
  const refuse = async (refusal: string) => {
    smtp.catcher.refusal = (mail) => `${refusal} <${linkIn(mail)}> ${tokenIn(mail)}`;
    const refused = smtp.catcher.refusals(smtp.catcher.refusedMails.length + 1);
    const { email } = await users.registered();
    await refused;
    smtp.catcher.refusal = null;
    return email;
  };
  await users.mailedToken(await refuse("450 no"), CONFIRM);
  await server.mailsSettled();
  await refuse("554 5.7.1 blocked"); // waits for the operator
  const failed = "select 1 from accounts_queue.job where name = 'mail' and state = 'failed'";
  await expect.poll(() => server.query(failed)).toHaveLength(1);
}

interface Smtp {
  readonly catcher: SmtpCatcher;
  accepts: boolean;
}

/** An SMTP server that wants the password, and quotes it if it refuses it. */
async function startSmtp(password: string): Promise<Smtp> {
  const smtp: { catcher?: SmtpCatcher; accepts: boolean } = { accepts: true };
  smtp.catcher = await SmtpCatcher.start({
    authOptional: false,
    authMethods: ["PLAIN", "LOGIN"],
    onAuth: (auth, _session, callback) => {
      if (smtp.accepts && auth.password === password) callback(null, { user: auth.username });
      else callback(Object.assign(new Error(`no ${auth.username} ${auth.password}`), { responseCode: 535 }));
    },
  });
  onTestFinished(() => smtp.catcher!.close());
  return smtp as Smtp;
}

const BREACHED = "Zk7-breached-4x9-Qw2";

/** Every row of every table of ours, as text; bytes as hexadecimal, and as they are. */
async function dump(database: pg.Pool): Promise<Record<string, Buffer>> {
  const { rows: tables } = await database.query<{ schema: string; name: string }>(
    `select schemaname as schema, format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const texts: Record<string, Buffer> = {};
  for (const format of ["hex", "escape"]) {
    await database.query(`set bytea_output = ${format}`);
    for (const { name } of tables) {
      const { rows } = await database.query<{ row: string }>(`select each::text as row from ${name} as each`);
      texts[`${name} (${format})`] = Buffer.from(rows.map(({ row }) => row).join("\n"));
    }
  }
  return texts;
}

/** Every file of a folder. */
function filesIn(folder: string): Record<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [path.slice(folder.length), readFileSync(path)];
    }),
  );
}

const CASES = [
  { what: "in development, with all that PostgreSQL logs if it may", production: false },
  { what: "in production, with PostgreSQL's log as docs/security.md wants it", production: true },
];

test.each(CASES)(
  "no flow of any operation leaves a secret anywhere: $what",
  { timeout: 600_000 },
  async ({ production }) => {
    const canaries = new Canaries();
    const answers = new Answers(canaries);
    const postgres = await startPostgres();
    onTestFinished(() => postgres.remove());
    onTestFinished(() => postgres.stop());
    canaries.text("the database's password", new URL(postgres.databaseUrl).password);
    const database = new pg.Pool({ connectionString: postgres.databaseUrl, max: 1 });
    database.on("error", () => undefined); // PostgreSQL may end first
    onTestFinished(() => (database.ended ? undefined : database.end()));
    // As talkative as PostgreSQL can be made. These settings of a role win over those it was started with.
    const settings = {
      log_statement: "all",
      log_min_duration_statement: "0",
      log_min_messages: "debug1",
      log_error_verbosity: "verbose",
      log_min_error_statement: "error",
      log_parameter_max_length_on_error: "-1",
      ...(production && DOCUMENTED),
    };
    for (const [name, value] of Object.entries(settings))
      await database.query(`alter role current_user set ${name} = '${value}'`);

    const mailPassword = canaries.password("MAIL_PASSWORD");
    const smtp = await startSmtp(mailPassword);
    const ranges = await startRangeService([BREACHED]);
    canaries.text("a breached password", BREACHED);
    const env = {
      LOG_LEVEL: "debug",
      DATABASE_URL: postgres.databaseUrl,
      JWT_SECRET: canaries.key("JWT_SECRET", randomBytes(48).toString("base64")),
      PASSWORD_PEPPER: `1:${canaries.key("PASSWORD_PEPPER", randomBytes(32).toString("base64"))}`,
      MAIL_SERVER: "127.0.0.1",
      MAIL_PORT: String(smtp.catcher.port),
      MAIL_USERNAME: "accounts@example.com",
      MAIL_PASSWORD: mailPassword,
      NODE_EXTRA_CA_CERTS: resolve("tests/fixtures/smtp-certificate.pem"),
      TRUSTED_PROXIES: "127.0.0.1",
      PASSWORD_RANGE_URL: ranges.url,
      ...(production && {
        NODE_ENV: "production",
        CHALLENGE: "always",
        HIDE_ACCOUNT_EXISTENCE: "true",
        CONFIRMATION_URI: "https://app.example/#/finalize",
        RESET_URI: "https://app.example/#/reset",
      }),
    };
    const process_ = await startProcess({ env });
    const { url } = await process_.ready();
    const server = new TestServer(url, smtp.catcher, database, { offset: 0 });
    const users = new Users(server, canaries);

    await everySuccess(users);
    await everyRefusal(users);
    await everyFailure(users);
    await everySmtpFailure(users, smtp);
    const operator = await operate(users, env);
    const mailbox = production ? null : await useMailbox(users, env, canaries);
    await stopInTheMiddle(users, smtp, process_);

    const planted = canaries.password("what the test itself has put into the database");
    await database.query(`create table accounts.planted as select ${pg.escapeLiteral(planted)} as secret`);
    for (const mail of [...smtp.catcher.received, ...smtp.catcher.refusedMails])
      if (mail.mail.text?.includes("token="))
        canaries.token(`the link of "${mail.mail.subject}"`, tokenIn(mail));
    const tables = await dump(database);
    await database.query("checkpoint");
    await database.end();
    await postgres.stop();
    const log = readFileSync(postgres.logPath);

    expect([...answers.succeeded].sort()).toEqual(expect.arrayContaining(OPERATIONS));
    expect([...answers.refused].sort()).toEqual(expect.arrayContaining(OPERATIONS));
    expect([...answers.failed].sort()).toEqual(expect.arrayContaining(OPERATIONS));
    expect(canaries.count).toBeGreaterThan(150);
    const files = filesIn(postgres.dataLocation);
    const inLogs = {
      "the log": process_.output,
      "an answer": answers.text,
      "what the range service was asked": ranges.requests
        .map(({ path, headers }) => path + JSON.stringify(headers))
        .join("\n"),
      "what the commands print": operator,
      ...(mailbox && {
        "the mailbox's index": mailbox.index,
        "the log of the mailbox's server": mailbox.output,
      }),
    };
    const found = Object.entries({
      ...Object.fromEntries(Object.entries(inLogs).map(([place, text]) => [place, Buffer.from(text)])),
      ...tables,
      ...files,
      "PostgreSQL's log": log,
    }).flatMap(([place, bytes]) => canaries.foundIn(bytes).map((what) => ({ place, what })));

    // The search finds what is there.
    const places = found.filter(({ what }) => what.includes("the test itself")).map(({ place }) => place);
    expect(places).toEqual(
      expect.arrayContaining([
        "accounts.planted (hex)",
        expect.stringMatching(/^\/base\//),
        expect.stringMatching(/^\/pg_wal\//),
        "PostgreSQL's log",
      ]),
    );
    expect(process_.output).toMatch(/unexpected error/);
    expect(process_.output).toMatch(/email not sent, will try again/);
    expect(log.toString()).toMatch(/insert into accounts\.users/);

    expect(found.filter(({ what }) => !what.includes("the test itself"))).toEqual([]);
    for (const [place, text] of Object.entries(inLogs)) expect(HASH.exec(text), place).toBe(null);
    if (production) expect(HASH.exec(log.toString("latin1")), "a hash in PostgreSQL's log").toBe(null);
  },
);

/** What docs/security.md asks of whoever lets PostgreSQL log statements. */
const DOCUMENTED = {
  log_parameter_max_length: "0",
  log_parameter_max_length_on_error: "0",
  log_error_verbosity: "terse",
};

/** The commands that are given a password or its hash; what they print. */
async function operate(users: Users, env: Record<string, string>): Promise<string> {
  const run = async (args: string[], input = "") => {
    const command = await startProcess({ env, script: "dist/bin/account.js", args });
    command.child.stdin!.end(input);
    await command.exited();
    return command.output;
  };
  const [admin, weak, imported] = [users.newPerson(), users.newPerson(), users.newPerson()];
  const passwordHash = await argon2.hash(imported.password, {
    memoryCost: 8192,
    timeCost: 1,
    parallelism: 1,
  });
  const file = join(await temporaryFolder(), "users.ndjson");
  const line = JSON.stringify({ username: imported.username, email: imported.email, passwordHash });
  writeFileSync(file, `${line}\n${line.replace("argon2id", "argon9")}\n`);
  const output = [
    await run(["create-admin", admin.username, admin.email], `${admin.password}\n`),
    await run(["create-admin", "no", weak.email], `${weak.password}\n`),
    await run(["import", file]),
    await run(["reset", admin.username]),
    await run(["list"]),
    await run(["mail", "list"]),
    await run(["mail", "test", admin.email]),
    await run(["mail", "retry", "--all"]),
  ].join("\n");
  await users.server.mailsSettled();
  users.server.succeed(await users.login(admin));
  users.server.succeed(await users.login(imported)); // replaces the hash
  return output;
}

/** A server whose emails stay in its mailbox, where their texts show their links, by design; all else of it shows none. */
async function useMailbox(users: Users, env: Record<string, string>, canaries: Canaries) {
  const [dataDir, databaseUrl] = [await temporaryFolder(), new URL(env["DATABASE_URL"]!)];
  await users.server.query("create database mailbox");
  databaseUrl.pathname = "/mailbox";
  const server = await startProcess({
    env: { ...env, MAIL_SERVER: "", DATA_DIR: dataDir, DATABASE_URL: databaseUrl.href },
  });
  const door = await server.ready();
  const events = (await fetch(`${door.url}/mailbox/events`)).body!.getReader();
  const seen = [await events.read()];
  door.succeed(await door.register(users.newPerson()));
  seen.push(await events.read());
  await events.cancel();
  const messages = (await (await fetch(`${door.url}/mailbox/messages`)).json()) as MailboxMessage[];
  const heads = messages.map(({ text, html, ...head }) => {
    expect(html).toContain("/#/finalize");
    canaries.token("a link in the mailbox", /token=([\w.-]+)/.exec(text)![1]!);
    return head;
  });
  expect(heads).toHaveLength(1);
  await fetch(`${door.url}/mailbox`);
  await server.end("SIGTERM");
  const files = readdirSync(dataDir, { recursive: true });
  const index = [
    JSON.stringify({ heads, files }),
    ...seen.map(({ value }) => Buffer.from(value!).toString()),
  ];
  return { index: index.join("\n"), output: server.output };
}

/** Stops the server while it hashes, and while an email is on its way. */
async function stopInTheMiddle(
  users: Users,
  { catcher }: Smtp,
  server: Awaited<ReturnType<typeof startProcess>>,
): Promise<void> {
  const person = await users.active();
  const held = catcher.hold();
  await users.registered();
  await held.taken;
  const wrong = { ...person, password: users.password("a last guess") };
  const last = Promise.allSettled([person, wrong, person].map((who) => users.login(who)));
  users.server.succeed(await users.client().me()); // those have arrived as well
  expect(await server.end("SIGTERM")).toBe(0);
  held.release();
  await last;
}

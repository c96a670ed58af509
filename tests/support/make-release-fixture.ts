// `npm run release:fixture`: writes the database of this version, with people in every state, to tests/fixtures/releases/. It runs as a
// test, for what tests have.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import bcrypt from "bcrypt";
import { expect, test } from "vitest";

import { statementsOfMigrations } from "./migrations.ts";
import { query } from "./postgres.ts";
import { checksum, RELEASES, type ReleaseFixture } from "./release-fixture.ts";
import { DAY, openServer, PASSWORD, type TestServer } from "./server.ts";
import { folderOfPostgres, hasSystemPostgres, run, SystemPostgres } from "./system-postgres.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const JWT_SECRET = "the secret of the fixtures of releases, for tests alone";
/** So that tokens and links can be tried for as long as anybody upgrades from this version. */
const MINUTES = (10 * 365 * DAY) / 60_000;
const LONG_LIVED = {
  accessTokenMinutes: MINUTES,
  registrationTokenMinutes: MINUTES,
  resetTokenMinutes: MINUTES,
  emailChangeTokenMinutes: MINUTES,
  sessionIdleDays: 3650,
  sessionMaxDays: 3650,
};

test(`the fixture of version ${version} is made`, { timeout: 300_000 }, async () => {
  if (!hasSystemPostgres)
    throw new Error("It takes pg_dump: apt-get install --no-install-recommends postgresql");
  // Of the system's PostgreSQL, which is older than the embedded one: every later version restores it.
  const postgres = await SystemPostgres.start();
  await query(postgres.url("postgres"), "create database release");
  const databaseUrl = postgres.url("release");

  const { server, stop } = await openServer({ databaseUrl, env: { JWT_SECRET }, config: LONG_LIVED });
  const people = await populate(server);
  await stop();
  const [clock] = await query<{ now: Date }>(databaseUrl, "select now()");
  const dump = join(folderOfPostgres(), "dump.sql");
  run("pg_dump", ["--no-owner", "--inserts", "--rows-per-insert=100", `--file=${dump}`, databaseUrl]);

  // Asked last, because a login restores a deleted account.
  const again = await openServer({ databaseUrl, env: { JWT_SECRET, MAIL_SERVER: "127.0.0.2" } });
  const logins: Record<string, string> = {};
  for (const { username } of await query<{ username: string }>(
    databaseUrl,
    "select username from accounts.users order by username",
  )) {
    const { errors } = await again.server.login({ username, password: PASSWORD });
    logins[username] = errors[0]?.extensions.code ?? "done";
  }
  await again.stop();

  const migrations = [...(await statementsOfMigrations(databaseUrl))];
  const fixture: ReleaseFixture = {
    madeAt: clock!.now.toISOString(),
    jwtSecret: JWT_SECRET,
    password: PASSWORD,
    logins,
    ...people,
    migrations: Object.fromEntries(migrations.map(([name, sql]) => [name, checksum(sql)])),
  };
  mkdirSync(RELEASES, { recursive: true });
  // Without the commands of psql.
  const sql = readFileSync(dump, "utf8").replace(/^\\.*\n/gm, "");
  writeFileSync(`${RELEASES}/${version}.sql.gz`, gzipSync(sql, { level: 9 }));
  writeFileSync(`${RELEASES}/${version}.json`, JSON.stringify(fixture));
  execFileSync("node_modules/.bin/prettier", ["--write", `${RELEASES}/${version}.json`]);
});

/** People as they are after some months: in every state, with sessions, links, changes under way, events and mails that wait. */
async function populate(
  server: TestServer,
): Promise<Pick<ReleaseFixture, "sessions" | "links" | "waitingMails">> {
  const admin = await server.admin();
  const ada = await server.activePerson("ada");
  const bob = await server.activePerson("bob");
  const phone = server.succeed(await server.login(bob));
  const refreshed = server.succeed(await server.refreshSession({ refreshToken: phone.refreshToken! }));
  server.refuse(await server.login({ username: "bob", password: "not his" }), "INVALID_CREDENTIALS");

  const carol = await server.activePerson("carol");
  const moved = await server.changeEmail(carol, "caroline@example.com");
  server.succeed(await server.as(moved.accessToken).changeUsername({ username: "caroline" }));

  // A user who came from elsewhere.
  const dora = await server.activePerson("dora");
  await server.query("update accounts.users set password_hash = $1 where id = $2", [
    await bcrypt.hash(PASSWORD, 4),
    dora.id,
  ]);

  const eve = await server.activePerson("eve");
  server.succeed(await server.as(admin.accessToken).deactivateUser({ id: eve.id }));
  const fred = await server.activePerson("fred");
  server.succeed(await server.as(fred.accessToken).deleteAccount(fred));
  const gone = await server.activePerson("gone");
  server.succeed(await server.as(gone.accessToken).deleteAccount(gone));
  await server.registerPerson("grace");
  await server.registerPerson("contested");
  const another = { username: "another", email: "contested@example.com", password: PASSWORD };
  server.refuse(await server.register(another), "EMAIL_TAKEN");
  await server.registerPerson("expired");
  await server.query(
    `update accounts.users set confirmation_expires_at = now() - interval '1 hour' where username = 'expired'`,
  );
  await server.query(
    "update accounts.users set erase_at = now() - interval '1 hour' where username = 'gone'",
  );

  for (let month = 1; month <= 4; month += 1) {
    const at = `(date_trunc('month', now()) - interval '${month} months' + interval '3 days')`;
    await server.query(`select accounts.make_event_month(date_trunc('month', ${at})::date)`);
    await server.query(
      `insert into accounts.account_events (user_id, type, occurred_at, actor, address, user_agent, month)
       values ($1, 'LOGGED_IN', ${at}, 'ANYONE', '198.51.100.7', 'Firefox', date_trunc('month', ${at}))`,
      [ada.id],
    );
  }

  const links = {
    registration: await server.confirmationToken("grace@example.com"),
    reset: await server.askForReset(ada.email),
    emailChange: await server.askForEmailChange(bob, "robert@example.com"),
    emailChangeOf: "bob",
    undo: await server.undoToken("carol@example.com"),
  };
  await server.mailsSettled();
  server.smtp.refusal = "451 4.3.0 later";
  await server.registerPerson("heidi");
  server.succeed(await server.requestReset({ email: dora.email }));
  server.succeed(
    await server
      .as(dora.accessToken)
      .requestEmailChange({ newEmail: "theodora@example.com", password: PASSWORD }),
  );
  const waiting = "select id from accounts_queue.job where name = 'mail' and state = 'retry'";
  await expect.poll(() => server.query(waiting)).toHaveLength(3);

  const session = ({ accessToken, refreshToken }: { accessToken: string; refreshToken: string | null }) => ({
    accessToken,
    refreshToken: refreshToken!,
  });
  return {
    sessions: { root: session(admin), ada: session(ada), bob: session(refreshed), caroline: session(moved) },
    links,
    waitingMails: server.smtp.refusedMails
      .map(({ recipients, mail }) => ({ to: recipients[0]!, subject: mail.subject! }))
      .filter(({ to }, index, all) => all.findIndex((other) => other.to === to) === index),
  };
}

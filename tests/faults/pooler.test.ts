// A connection pooler in front of the database. Without PgBouncer, most of these tests are skipped.
import { describe, expect, inject, test } from "vitest";

import { tally } from "../support/hold-back.ts";
import { captureLog } from "../support/log.ts";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { externalParts, startProcess } from "../support/process.ts";
import { PASSWORD, startServer } from "../support/server.ts";

/** As docs/operations.md says, but for one database of the tests' PostgreSQL. */
async function limitedDatabase(): Promise<string> {
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const { username, pathname } = new URL(databaseUrl);
  for (const limit of [
    "lock_timeout = '3s'",
    "statement_timeout = '10s'",
    "idle_in_transaction_session_timeout = '10s'",
  ])
    await query(databaseUrl, `alter role ${username} in database ${pathname.slice(1)} set ${limit}`);
  return databaseUrl;
}

describe.skipIf(!hasPgBouncer).each(["transaction", "session"] as const)(
  "behind PgBouncer in %s mode (needs pgbouncer)",
  (mode) => {
    test("requests, emails and notifications go as without it", async () => {
      const databaseUrl = await limitedDatabase();
      // In session mode, every connection of the server keeps one of PgBouncer's.
      const size = mode === "transaction" ? 3 : 10;
      const pooled = await startPgBouncer(databaseUrl, mode, [`default_pool_size = ${size}`]);
      const log = captureLog();
      const server = await startServer({
        databaseUrl,
        env: { DATABASE_URL: pooled, DATABASE_DIRECT_URL: databaseUrl, LOG_LEVEL: "info" },
      });
      const { accessToken, email } = await server.activePerson("ada");
      const door = server.as(accessToken);
      const logins = Array.from({ length: 20 }, () => server.login({ username: "ada", password: PASSWORD }));
      const resets = Array.from({ length: 20 }, () => server.requestReset({ email }));
      const reads = Array.from({ length: 60 }, () => door.me());
      expect(tally(await Promise.all([...logins, ...resets, ...reads]))).toEqual({ done: 100 });

      await server.mailsSettled();
      expect(server.subjectsTo(email).filter((subject) => /reset/i.test(subject!))).toHaveLength(20);
      const retried = "select id from accounts_queue.job where name = 'mail' and retry_count > 0";
      expect(await server.query(retried)).toEqual([]);
      expect(log.text).not.toMatch(/time limits|cannot serve/);
    });

    test("a server without DATABASE_DIRECT_URL refuses to start in one sentence, and changes nothing", async () => {
      const databaseUrl = await createDatabase(inject("postgresUrl"), { empty: true });
      const ignored = "ignore_startup_parameters = idle_in_transaction_session_timeout,options";
      for (const settings of [[], [ignored]]) {
        const pooled = await startPgBouncer(databaseUrl, mode, settings);
        const { env } = await externalParts();
        const server = await startProcess({ env: { ...env, DATABASE_URL: pooled } });
        expect(await server.exited()).toBe(1);
        expect(server.output).toMatch(
          /^The database test_\w+ at 127\.0\.0\.1:\d+ is behind a connection pooler, .*: set DATABASE_DIRECT_URL to .*\.\n$/,
        );
      }
      const schemas = "select from information_schema.schemata where schema_name like 'accounts%'";
      expect(await query(databaseUrl, schemas)).toEqual([]);
    });

    test("a role without time limits is warned of", async () => {
      const databaseUrl = await createDatabase(inject("postgresUrl"));
      const pooled = await startPgBouncer(databaseUrl, mode);
      const log = captureLog();
      await startServer({
        databaseUrl,
        env: { DATABASE_URL: pooled, DATABASE_DIRECT_URL: databaseUrl, LOG_LEVEL: "info" },
      });
      expect(
        await log.lines(/Requests through the pooler have no time limits: run `alter role "accounts"/),
      ).toHaveLength(1);
    });
  },
);

test("a DATABASE_DIRECT_URL of another database is refused in one sentence", async () => {
  const { env } = await externalParts();
  const DATABASE_DIRECT_URL = await createDatabase(inject("postgresUrl"));
  const server = await startProcess({ env: { ...env, DATABASE_DIRECT_URL } });
  expect(await server.exited()).toBe(1);
  expect(server.output).toBe(
    "DATABASE_URL and DATABASE_DIRECT_URL lead to different databases. Set both to the same one.\n",
  );
});

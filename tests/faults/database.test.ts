// The database is away, silent, read-only or locked: requests are told so in a code of its own, soon, and the log once.
import pg from "pg";
import { describe, expect, inject, onTestFinished, test } from "vitest";

import { DatabaseProxy } from "../support/database-proxy.ts";
import { tally } from "../support/hold-back.ts";
import { captureLog } from "../support/log.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { PASSWORD, startServer, type TestServer } from "../support/server.ts";

const REGISTRATION = { username: "grace", email: "grace@example.com", password: PASSWORD };

/** An outage from its begin to its end. */
interface Outage {
  readonly server: TestServer;
  readonly begin: () => unknown;
  readonly end: () => unknown;
}

async function behindProxy(failure: "cut" | "stall"): Promise<Outage> {
  const { proxy, databaseUrl } = await DatabaseProxy.start();
  const server = await startServer({ databaseUrl, env: { LOG_LEVEL: "info" } });
  return { server, begin: () => proxy[failure](), end: () => proxy.mend() };
}

/** As after a failover to a replica, or where a supervisor saves the last bytes of a disk. */
async function readOnly(): Promise<Outage> {
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const name = new URL(databaseUrl).pathname.slice(1);
  const setting = async (value: string) => {
    await query(inject("postgresUrl"), `alter database ${name} set default_transaction_read_only = ${value}`);
    await query(
      inject("postgresUrl"),
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1",
      [name],
    );
  };
  const server = await startServer({ databaseUrl, env: { LOG_LEVEL: "info" } });
  return { server, begin: () => setting("on"), end: () => setting("off") };
}

async function locked(): Promise<Outage> {
  const server = await startServer({ env: { LOG_LEVEL: "info" } });
  const client = new pg.Client({ connectionString: server.databaseUrl });
  onTestFinished(() => client.end());
  await client.connect();
  const begin = () => client.query("begin; lock table accounts.users in access exclusive mode");
  return { server, begin, end: () => client.query("rollback") };
}

describe.each([
  ["away", () => behindProxy("cut")],
  ["silent", () => behindProxy("stall")],
  ["read-only", readOnly],
  ["locked", locked],
])("while the database is %s", (what, arrange) => {
  test(
    "requests are answered SERVICE_UNAVAILABLE, and served again after it",
    { timeout: 120_000 },
    async () => {
      const log = captureLog();
      const { server, begin, end } = await arrange();
      const { accessToken } = await server.activePerson("ada");
      await begin();

      const answers = await Promise.all(
        Array.from({ length: 30 }, () => server.login({ username: "ada", password: PASSWORD })),
      );
      const registration = await server.register(REGISTRATION);

      expect(tally(answers)).toEqual({ SERVICE_UNAVAILABLE: 30 });
      const { message, extensions } = server.refuse(registration, "SERVICE_UNAVAILABLE");
      expect(message).toBe("The service is not available at the moment. Try again in a few seconds.");
      expect(extensions).toEqual({ code: "SERVICE_UNAVAILABLE", retryAfterSeconds: 5 });
      expect(registration.headers.get("retry-after")).toBe("5");
      if (what === "read-only") server.succeed(await server.as(accessToken).me());
      if (what !== "locked") expect((await fetch(`${server.url}/readyz`)).status).toBe(503);

      await end();
      await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(200);
      server.succeed(await server.login({ username: "ada", password: PASSWORD }));
      server.succeed(await server.register(REGISTRATION));
      await expect.poll(() => log.text).toContain("the database serves again");
      expect(log.text.match(/the database cannot serve/g)).toHaveLength(1);
      expect(log.text).not.toContain("unexpected error");
    },
  );
});

test("the mail queue waits for no lock for ever, and sends what waited once it is free", async () => {
  const server = await startServer();
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  onTestFinished(() => client.end());
  const lock = "rollback; begin; lock table accounts_queue.job in access exclusive mode";
  const isLocked = () =>
    client.query(lock).then(
      () => true,
      () => false, // a deadlock with what the queue does just then
    );
  await expect.poll(isLocked).toBe(true);
  const statements = () =>
    server.query(
      `select pid, query_start from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
         and application_name = 'account-server queue'`,
    );
  await expect.poll(statements).not.toEqual([]);
  const [first] = await statements();

  await expect.poll(statements).not.toContainEqual(first);

  await client.query("rollback");
  await server.activePerson("ada");
});

// Kysely forgets a connection whose begin, commit or rollback fails (kysely-org/kysely#1990); after ten of them a server would serve nobody.
test.each(["cut", "stall"] as const)(
  "transactions that an outage ends leave no connection behind (%s)",
  { timeout: 120_000 },
  async (failure) => {
    const direct = await createDatabase(inject("postgresUrl"));
    const { proxy, databaseUrl } = await DatabaseProxy.start(direct);
    const server = await startServer({ databaseUrl });
    await server.activePerson("ada");
    const client = new pg.Client({ connectionString: direct });
    onTestFinished(() => client.end());
    await client.connect();

    for (let outage = 0; outage < 2; outage += 1) {
      await client.query("begin; lock table accounts.users in access exclusive mode");
      const answers = Promise.all(
        Array.from({ length: 10 }, (_each, index) =>
          server.register({
            username: `eve-${index}`,
            email: `eve-${index}@example.com`,
            password: PASSWORD,
          }),
        ),
      );
      const waiting = `select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and state = 'active'`;
      await expect.poll(() => query(direct, waiting)).toEqual([{ count: 10 }]);
      proxy[failure]();
      expect(tally(await answers)).toEqual({ SERVICE_UNAVAILABLE: 10 });
      await client.query("rollback");
      proxy.mend();
      const login = () => server.login({ username: "ada", password: PASSWORD });
      await expect.poll(async () => (await login()).errors).toEqual([]);
    }
  },
);

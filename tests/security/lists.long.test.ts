// The lists of users, of events and of unsent emails cost the same however many there are.
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Answer } from "../support/graphql.ts";
import { openServer, type ActivePerson, type TestServer } from "../support/server.ts";

const MANY = 1_000_000;

describe("with a million users, and a million events of one of them,", () => {
  let server: TestServer;
  let stop: () => Promise<void>;
  let root: ActivePerson;
  beforeAll(async () => {
    ({ server, stop } = await openServer());
    root = await server.admin();
    await server.query(
      `insert into accounts.users (id, username, email, password_hash, roles, is_active, credential_version, created_at, updated_at)
       select gen_random_uuid(), 'user-' || md5(n::text), 'user-' || md5(n::text) || '@example.com', '', '{USER}', true, 1,
              now() - n * interval '1 minute', now()
       from generate_series(1, ${MANY}) as n`,
    );
    await server.query(
      `insert into accounts.account_events (user_id, type, occurred_at, address, user_agent, actor)
       select $1, 'LOGGED_IN', now(), '127.0.0.1', repeat('x', 256), 'OWNER' from generate_series(1, ${MANY})`,
      [root.id],
    );
    await server.query("vacuum analyze");
  }, 300_000);
  afterAll(async () => {
    await stop();
    await server.dropDatabase();
  });

  /** How many rows of the two tables were read one after the other, to the end of the table. */
  async function rowsScanned(): Promise<number> {
    const [row] = await server.query<{ count: string }>(
      `select sum(seq_tup_read) as count from pg_stat_user_tables
       where schemaname = 'accounts' and relname in ('users', 'account_events')`,
    );
    return Number(row!.count);
  }

  test.each<[string, (as: TestServer["as"]) => Promise<Answer<unknown>>]>([
    ["all users", (as) => as(root.accessToken).users({ first: 100 })],
    [
      "users whose names begin as most do",
      (as) => as(root.accessToken).users({ search: "user-", first: 100 }),
    ],
    [
      "users whose names begin as some do",
      (as) => as(root.accessToken).users({ search: "user-ab", first: 100 }),
    ],
    ["the one user of a name", (as) => as(root.accessToken).users({ search: "root", first: 100 })],
    ["users of a name that nobody has", (as) => as(root.accessToken).users({ search: "zzz", first: 100 })],
    ["recentActivity", (as) => as(root.accessToken).recentActivity({ first: 100 })],
    ["accountEvents", (as) => as(root.accessToken).accountEvents({ userId: root.id, first: 100 })],
    [
      "the events after a cursor",
      async (as) => {
        const after = Buffer.from(JSON.stringify(["500000"])).toString("base64");
        return as(root.accessToken).recentActivity({ first: 100, after });
      },
    ],
  ])("no list reads a whole table: %s", async (_what, ask) => {
    const before = await rowsScanned();
    server.succeed(await ask((token) => server.as(token)));
    // PostgreSQL counts at the end of a transaction, but not more often than once a second for each connection.
    await server.query("select pg_sleep(1.1)");
    server.succeed(await server.as(root.accessToken).me());
    expect((await rowsScanned()) - before).toBe(0);
  });
});

describe("with a million unsent emails", () => {
  let server: TestServer;
  let stop: () => Promise<void>;
  let root: ActivePerson;
  beforeAll(async () => {
    ({ server, stop } = await openServer());
    root = await server.admin();
    await server.query(
      `insert into accounts_queue.job (name, data, state, created_on, start_after)
       select 'mail', jsonb_build_object('mail', 'reset', 'userId', $1::uuid, 'credentialVersion', 1, 'requestedAt', now()),
         case n % 3 when 0 then 'created' when 1 then 'retry' else 'failed' end::accounts_queue.job_state,
         timestamptz '2026-01-01' + n * interval '1 second', now() + interval '1 day'
       from generate_series(1, ${MANY}) as n`,
      [root.id],
    );
    await server.query("vacuum analyze");
  }, 600_000);
  afterAll(async () => {
    await stop();
    await server.dropDatabase();
  });

  /** How many rows of the queue were read, by an index or without. */
  async function rowsRead(): Promise<number> {
    const [row] = await server.query<{ count: string }>(
      `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as count from pg_stat_user_tables
       where schemaname = 'accounts_queue' and relname like 'job%'`,
    );
    return Number(row!.count);
  }

  const halfway = Buffer.from(
    JSON.stringify(["2026-01-07T00:00:00.000000Z", "00000000-0000-4000-8000-000000000000"]),
  ).toString("base64url");

  test.each([
    ["all", {}],
    ["those that have failed", { state: "FAILED" }],
    ["all after a cursor", { after: halfway }],
    ["those that have failed after a cursor", { state: "FAILED", after: halfway }],
  ])("a page of them reads little more than a page: %s", async (_what, args) => {
    const before = await rowsRead();
    const { edges } = server.succeed(await server.as(root.accessToken).queuedEmails({ first: 100, ...args }));
    expect(edges).toHaveLength(100);
    // PostgreSQL counts at the end of a transaction, but not more often than once a second for each connection.
    await server.query("select pg_sleep(1.1)");
    server.succeed(await server.as(root.accessToken).me());
    // The queue reads a few of its own meanwhile.
    expect((await rowsRead()) - before).toBeLessThan(5_000);
  });
});

// Read replicas: real hot standbys. Whatever happens to them, the answers are those of the primary.
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";

import { DatabaseProxy } from "../support/database-proxy.ts";
import { captureLog } from "../support/log.ts";
import { metricsAt } from "../support/metrics.ts";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { createDatabase, query, startPostgres, type TestPostgres } from "../support/postgres.ts";
import { PASSWORD, startServer, type TestServer } from "../support/server.ts";
import { Standby } from "../support/standby.ts";

const SET_ASIDE = /a read replica is not asked/;
const ASKED_AGAIN = /the read replica is asked again/;

let primary: TestPostgres;
let standby: Standby;

beforeAll(async () => {
  primary = await startPostgres();
  standby = await Standby.of(primary);
});
afterAll(async () => {
  await standby.stop();
  await primary.stop();
  await primary.remove();
});

/** @param upstream what it follows */
async function anotherStandby(upstream?: Standby): Promise<Standby> {
  const another = await Standby.of(primary, upstream);
  onTestFinished(() => another.stop());
  return another;
}

/** A new database that the standbys have, too. */
async function newDatabase(...standbys: Standby[]): Promise<string> {
  const databaseUrl = await createDatabase(primary.databaseUrl, { empty: true });
  for (const one of [standby, ...standbys]) await one.reaches(databaseUrl);
  return databaseUrl;
}

/** A server with a replica, and an administrator. */
async function arrange(databaseUrl: string, replicaUrls = standby.url(databaseUrl)) {
  const log = captureLog();
  const server = await startServer({
    databaseUrl,
    env: { DATABASE_REPLICA_URLS: replicaUrls, METRICS_PORT: "0", LOG_LEVEL: "info" },
  });
  const root = await server.admin();
  return { server, log, root, door: server.as(root.accessToken) };
}

/** Until the end of the test, the standby takes what is written, and shows nothing of it. */
async function pauseReplay(): Promise<void> {
  await standby.query("select pg_wal_replay_pause()");
  onTestFinished(resumeReplay);
}

async function resumeReplay(): Promise<void> {
  await standby.query("select pg_wal_replay_resume()");
}

/** How many long reads each has answered. */
async function longReads(server: TestServer) {
  const { values } = await metricsAt(server.metricsUrl);
  const by = (who: string) => values.get(`account_database_long_reads_total{by="${who}"}`)!;
  return { replica: by("replica"), primary: by("primary") };
}

/** Reads until the replica has answered; on a busy machine it may lag before. */
async function readAtReplica<Answer>(server: TestServer, read: () => Promise<Answer>): Promise<Answer> {
  let answer: Answer | undefined;
  const isFromReplica = async () => {
    const before = await longReads(server);
    answer = await read();
    return (await longReads(server)).replica > before.replica;
  };
  await expect.poll(isFromReplica).toBe(true);
  return answer!;
}

test("lists, audit trails and exports are read at the replica, and nothing else", async () => {
  const { server, root, door } = await arrange(await newDatabase());

  const users = server.succeed(await readAtReplica(server, () => door.users()));
  expect(users.edges.map(({ node }) => node.username)).toEqual(["root"]);
  const events = server.succeed(await readAtReplica(server, () => door.accountEvents({ userId: root.id })));
  expect(events.edges.map(({ node }) => node.type)).toEqual([
    "PASSWORD_CONFIRMED",
    "ACTIVATED",
    "REGISTERED",
  ]);
  expect(server.succeed(await readAtReplica(server, () => door.recentActivity()))).toEqual(events);
  const exported = server.succeed(await readAtReplica(server, () => door.exportAccount(root)));
  expect(exported).toMatchObject({ events: [{}, {}, {}, { type: "EXPORTED" }] });

  const before = await longReads(server);
  server.succeed(await door.me());
  server.succeed(await door.sessions());
  server.succeed(await door.user({ id: root.id }));
  server.succeed(await server.login({ username: "root", password: PASSWORD }));
  expect(await longReads(server)).toEqual(before);
});

test("what was written at one server is read at another at once, at the replica", async () => {
  const databaseUrl = await newDatabase();
  const { server, root, door } = await arrange(databaseUrl);
  const other = await startServer({ databaseUrl, env: { LOG_LEVEL: "silent" } });
  await readAtReplica(server, () => door.users());
  const before = await longReads(server);
  for (let logins = 0; logins < 60; logins += 1) {
    other.succeed(await other.login({ username: "root", password: PASSWORD }));
    const { edges } = server.succeed(await door.accountEvents({ userId: root.id, first: 1 }));
    const [newest] = await server.query<{ id: string }>("select max(id) as id from accounts.account_events");
    expect(edges[0]!.node.id).toBe(newest!.id);
  }
  expect((await longReads(server)).replica).toBeGreaterThan(before.replica);
});

test("a replica that lags misses nothing: the primary answers, and the log tells it once", async () => {
  const { server, log, door } = await arrange(await newDatabase());
  const ada = await server.activePerson("ada");
  await readAtReplica(server, () => door.users());
  await pauseReplay();

  server.succeed(await door.deactivateUser({ id: ada.id }));

  for (let reloads = 0; reloads < 3; reloads += 1) {
    const { edges } = server.succeed(await door.users({ search: "ada" }));
    expect(edges[0]!.node.deactivatedAt).not.toBeNull();
  }
  const events = server.succeed(await door.accountEvents({ userId: ada.id, first: 1 }));
  expect(events.edges[0]!.node.type).toBe("DEACTIVATED");
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect(await log.lines(SET_ASIDE)).toHaveLength(1);
  expect((await metricsAt(server.metricsUrl)).values.get("account_database_replicas_away")).toBe(1);

  await resumeReplay();
  await log.lines(ASKED_AGAIN);
  await readAtReplica(server, () => door.users());
  const { values } = await metricsAt(server.metricsUrl);
  expect(values.get("account_database_replicas_away")).toBe(0);
  expect(values.get('account_database_connections{pool="replicas",state="idle"}')).toBeGreaterThan(0);
});

test("a session that has ended, and a role that is gone, are refused at once, though the replica does not know", async () => {
  const { server, root, door } = await arrange(await newDatabase());
  const second = server.succeed(await server.login({ username: "root", password: PASSWORD }));
  await readAtReplica(server, () => door.users());
  await pauseReplay();

  server.succeed(await server.as(second.accessToken).logout());
  server.refuse(await server.as(second.accessToken).users(), "UNAUTHENTICATED");
  server.refuse(await server.as(second.accessToken).recentActivity(), "UNAUTHENTICATED");
  await server.query("update accounts.users set roles = '{USER}' where id = $1", [root.id]);
  server.refuse(await door.users(), "FORBIDDEN");
});

test("refusals are those of the primary, and no fault of the replica", async () => {
  const { server, log, door } = await arrange(await newDatabase());
  await readAtReplica(server, () => door.users());
  const { replica } = await longReads(server);
  server.refuse(await door.accountEvents({ userId: crypto.randomUUID() }), "NOT_FOUND");
  server.refuse(await door.users({ after: "no cursor" }), "BAD_USER_INPUT");
  await readAtReplica(server, () => door.users());
  expect((await longReads(server)).replica).toBe(replica + 1);
  expect(log.text).not.toMatch(SET_ASIDE);
});

describe("no request is lost", () => {
  test("when a replica dies in the middle of them", async () => {
    const dying = await anotherStandby();
    const databaseUrl = await newDatabase(dying);
    const { server, log, door } = await arrange(databaseUrl, dying.url(databaseUrl));
    await readAtReplica(server, () => door.users());
    let isOver = false;
    const reader = async () => {
      while (!isOver) server.succeed(await door.users());
    };
    const readers = Array.from({ length: 8 }, reader);
    const { replica } = await longReads(server);
    await expect.poll(async () => (await longReads(server)).replica).toBeGreaterThan(replica + 20);

    dying.crash();

    await log.lines(SET_ASIDE);
    const { primary } = await longReads(server);
    await expect.poll(async () => (await longReads(server)).primary).toBeGreaterThan(primary + 20);
    isOver = true;
    await Promise.all(readers);
    expect(log.text.match(new RegExp(SET_ASIDE, "g"))).toHaveLength(1);
    expect(log.text).not.toMatch(/unexpected error|cannot serve/);
  });

  test("when a replica keeps silent, and it is asked again after that", async () => {
    const databaseUrl = await newDatabase();
    const { proxy, databaseUrl: replicaUrl } = await DatabaseProxy.start(standby.url(databaseUrl));
    const { server, log, door } = await arrange(databaseUrl, replicaUrl);
    await readAtReplica(server, () => door.users());

    proxy.stall();
    const answers = await Promise.all(Array.from({ length: 30 }, () => door.users()));
    for (const answer of answers) server.succeed(answer);
    expect(await log.lines(SET_ASIDE)).toHaveLength(1);

    proxy.mend();
    await log.lines(ASKED_AGAIN);
    await readAtReplica(server, () => door.users());
  });

  test("when PostgreSQL cancels reads that are in the way of its recovery", async () => {
    await standby.query("alter system set max_standby_streaming_delay = 0");
    await standby.query("select pg_reload_conf()");
    onTestFinished(async () => {
      await standby.query("alter system reset max_standby_streaming_delay");
      await standby.query("select pg_reload_conf()");
    });
    const { server, log, root, door } = await arrange(await newDatabase());
    const conflicts = async () =>
      (
        await standby.query<{ count: number }>(
          "select sum(confl_lock)::int as count from pg_stat_database_conflicts",
        )
      )[0]!.count;
    const before = await conflicts();
    let isOver = false;
    const locker = async () => {
      const lock = "begin; lock table accounts.account_events in access exclusive mode; commit";
      while (!isOver) await server.query(lock);
    };
    const reader = async () => {
      while (!isOver) server.succeed(await door.accountEvents({ userId: root.id }));
    };
    const work = [locker(), ...Array.from({ length: 8 }, reader)];

    await expect.poll(conflicts).toBeGreaterThan(before);
    isOver = true;
    await Promise.all(work);
    expect(log.text).toMatch(/canceling statement due to conflict with recovery|lags behind/);
  });
});

test("after a failover, a replica that follows the new primary is asked once it has made a restartpoint", async () => {
  const successor = await anotherStandby();
  const follower = await anotherStandby(successor);
  const databaseUrl = await newDatabase(successor, follower);
  await successor.promote();
  const { server, log, door } = await arrange(successor.url(databaseUrl), follower.url(databaseUrl));
  await log.lines(/it follows another primary, or has made no restartpoint/);

  await successor.query("checkpoint");
  await follower.reaches(successor.url(databaseUrl));
  await follower.query("checkpoint");

  await log.lines(ASKED_AGAIN);
  const { edges } = server.succeed(await readAtReplica(server, () => door.users()));
  expect(edges).toHaveLength(1);
});

test.skipIf(!hasPgBouncer)("a pooler may be in front of a replica (needs pgbouncer)", async () => {
  const databaseUrl = await newDatabase();
  const pooled = await startPgBouncer(standby.url(databaseUrl), "transaction", ["default_pool_size = 3"]);
  const { server, root, door } = await arrange(databaseUrl, pooled);
  server.succeed(await readAtReplica(server, () => door.accountEvents({ userId: root.id })));
});

describe("what is no replica is not asked, and the log says why", () => {
  test.each([
    ["does not exist", () => Promise.resolve("postgresql://accounts@127.0.0.1:1/accounts"), /ECONNREFUSED/],
    ["takes writes", () => createDatabase(inject("postgresUrl")), /it takes writes, so it is no replica/],
    [
      "is one of another database",
      async () => standby.url(await newDatabase()),
      /it is a replica of the database test_\w+ of \d+, not of test_\w+ of \d+/,
    ],
  ])("one that %s", async (_, urlOf, reason) => {
    const { server, log, door } = await arrange(await newDatabase(), await urlOf());
    expect((await log.lines(reason)).length).toBe(1);
    server.succeed(await door.users());
    expect((await longReads(server)).replica).toBe(0);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });

  test("one that follows a former primary, even if it is further than the new one", async () => {
    const successor = await anotherStandby();
    const databaseUrl = await newDatabase(successor);
    await successor.promote();
    for (let rounds = 0; rounds < 3; rounds += 1) {
      await query(primary.databaseUrl, "create table filler as select generate_series(1, 1000)");
      await query(primary.databaseUrl, "select pg_switch_wal()");
      await query(primary.databaseUrl, "drop table filler");
    }
    await standby.reaches(databaseUrl);

    const { server, log, door } = await arrange(successor.url(databaseUrl), standby.url(databaseUrl));

    await log.lines(/it follows another primary/);
    const { edges } = server.succeed(await door.users());
    expect(edges).toHaveLength(1);
    expect((await longReads(server)).replica).toBe(0);
  });
});

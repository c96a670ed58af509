// Measures a filled database: bytes of each row and index, and the time of what the server asks of it.
import { spawn } from "node:child_process";
import { once } from "node:events";

import type { Running } from "../stage.ts";
import { graphql } from "../contenders/account-server.ts";
import { newcomer, person } from "../people.ts";
import { connected, query } from "../postgres.ts";
import type { Bytes, Times } from "./arithmetic.ts";
import { ADMIN, BUSIEST } from "./filling.ts";

/** Of each table, with all its partitions. The bytes of heap (with TOAST) and of each index are a row's share. */
export async function bytesOf(databaseUrl: string): Promise<Record<string, Bytes>> {
  const indexes = await query<{ table: string; index: string; bytes: number }>(
    databaseUrl,
    `${TABLES}
     select "table", coalesce(top.relname, index.relname) as index, sum(pg_relation_size(index.oid))::float8 as bytes
     from tables join pg_index on indrelid = id join pg_class as index on index.oid = indexrelid
       left join pg_inherits on inhrelid = index.oid left join pg_class as top on top.oid = inhparent
     group by 1, 2 order by 1, 3 desc`,
  );
  const heaps = await query<{ table: string; rows: number; bytes: number }>(
    databaseUrl,
    `${TABLES} select "table", sum(rows)::float8 as rows, sum(pg_table_size(id))::float8 as bytes from tables group by 1 order by 1`,
  );
  return Object.fromEntries(
    heaps
      .filter(({ rows }) => rows >= 1000)
      .map(({ table, rows, bytes }) => {
        const share = (all: number) => Math.round((all / rows) * 10) / 10;
        const own = indexes.filter((index) => index.table === table);
        const all = own.reduce((sum, index) => sum + index.bytes, bytes);
        return [
          table,
          {
            rows,
            bytesPerRow: share(all),
            heap: share(bytes),
            indexes: Object.fromEntries(own.map(({ index, bytes }) => [index, share(bytes)])),
          },
        ];
      }),
  );
}

/** Each table, and each partition under the name of its table. */
const TABLES = `with tables as (
  select relation.oid as id, greatest(relation.reltuples, 0) as rows, coalesce(parent.relname, relation.relname) as "table"
  from pg_class as relation join pg_namespace on pg_namespace.oid = relation.relnamespace
    left join pg_inherits on inhrelid = relation.oid left join pg_class as parent on parent.oid = inhparent
  where nspname in ('accounts', 'accounts_queue') and relation.relkind = 'r')`;

/** What people ask, one request after the other, each about another account. */
export async function timesOf(running: Running): Promise<Record<string, Times>> {
  const { databaseUrl, server } = running;
  const asks = async (
    name: string,
    count: number,
    request: (turn: number) => Parameters<typeof server.ask>[0] | Promise<Parameters<typeof server.ask>[0]>,
    look?: (data: Data) => void,
  ): Promise<[string, Times]> => {
    const times: number[] = [];
    let work = { databaseMs: 0, pages: 0, walBytes: 0 };
    await connected(databaseUrl, async (client) => {
      const requests = [];
      for (let turn = 0; turn < count; turn += 1) requests.push(await request(turn));
      await client.query("select pg_stat_statements_reset()");
      for (const each of requests) {
        const startedAt = performance.now();
        const { body } = await server.ask(each);
        times.push(performance.now() - startedAt);
        const { data, errors } = JSON.parse(body) as { data?: Data; errors?: unknown };
        if (errors !== undefined || !data) throw new Error(`${name}: ${body}`);
        look?.(data);
      }
      work = (await client.query<typeof work>(WORK, [count])).rows[0]!;
    });
    return [
      name,
      {
        medianMs: quantile(times, 0.5),
        p95Ms: quantile(times, 0.95),
        firstTenMs: quantile(times.slice(0, 10), 0.5),
        ...work,
      },
    ];
  };
  const login = (name: string) =>
    graphql(
      `
        mutation ($name: String!, $password: String!) {
          login(username: $name, password: $password) {
            accessToken
            refreshToken
          }
        }
      `,
      { name, password: person(1).password },
    );
  const opened: { accessToken: string; refreshToken: string }[] = [];
  const keep = ({ login }: Data) => void opened.push(login as (typeof opened)[number]);
  const token = (turn: number) => opened[turn % opened.length]!.accessToken;
  const everyRequest: [string, Times][] = [];
  everyRequest.push(await asks("login", LOGINS, () => login(running.somebody().email), keep));
  // The same again: the log then holds no whole pages that were changed for the first time since a checkpoint.
  const again = opened.length;
  running.rewind(LOGINS);
  everyRequest.push(
    await asks("login of the same again", LOGINS, () => login(running.somebody().email), keep),
  );
  opened.splice(again);
  everyRequest.push(
    await asks("me", 200, (turn) =>
      graphql("{ me { id username email roles isActive createdAt } }", {}, token(turn)),
    ),
    await asks("sessions", 200, (turn) =>
      graphql("{ sessions { id createdAt lastUsedAt current } }", {}, token(turn)),
    ),
    await asks("recentActivity", 200, (turn) =>
      graphql(
        "{ recentActivity { edges { node { type occurredAt } } pageInfo { hasNextPage } } }",
        {},
        token(turn),
      ),
    ),
    await asks("refreshSession", LOGINS, (turn) =>
      graphql("mutation ($token: String!) { refreshSession(refreshToken: $token) { accessToken } }", {
        token: opened[turn]!.refreshToken,
      }),
    ),
    await asks("register", 50, () => running.contender.requests.register(newcomer())),
  );

  // What an administrator asks.
  await asks("login", 1, () => login(person(ADMIN).email), keep);
  const admin = opened.at(-1)!.accessToken;
  const list = async (
    name: string,
    document: string,
    variables: Record<string, string | number>,
    count = 50,
  ) => everyRequest.push(await asks(name, count, () => graphql(document, variables, admin)));
  const busiest = await idOf(databaseUrl, BUSIEST);
  await list("accountEvents of the account with most, first page", EVENTS, { userId: busiest });
  let after: string | null = null;
  const deeper = ({ accountEvents }: Data) => (after = (accountEvents as Connection).pageInfo.endCursor);
  for (let page = 0; page < 80; page += 1)
    await asks("page", 1, () => graphql(EVENTS, { userId: busiest, first: 100, after }, admin), deeper);
  await list("accountEvents of the account with most, after 8,000", EVENTS, {
    userId: busiest,
    after: after!,
  });
  await list("users, first page", USERS, {});
  const middle = ({ users }: Data) => (after = (users as Connection).pageInfo.endCursor);
  for (let page = 0; page < 80; page += 1)
    await asks(
      "page",
      1,
      () => graphql(USERS, { first: 100, after: page === 0 ? null : after }, admin),
      middle,
    );
  await list("users, after 8,000", USERS, { after: after! });
  await list("users, search that finds all", USERS, { search: "user" });
  await list("users, search that finds 1 in 1,000", USERS, { search: "user100" });
  await list("users, search that finds one", USERS, { search: `user${running.accounts - 7}@` });
  await list("users, search that finds none", USERS, { search: "nobody" });
  return Object.fromEntries(everyRequest);
}

/** Without the mail queue, which also works when nothing is asked. */
const WORK = `
  select round(sum(total_exec_time + total_plan_time)::numeric / $1::numeric, 2)::float8 as "databaseMs",
    round(sum(shared_blks_hit + shared_blks_read) / $1::numeric, 1)::float8 as pages, round(sum(wal_bytes) / $1::numeric)::float8 as "walBytes"
  from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
    and query !~ 'pg_stat_statements|accounts_queue'`;
const LOGINS = 100;
const EVENTS = `query ($userId: ID!, $first: Int! = 20, $after: String) {
  accountEvents(userId: $userId, first: $first, after: $after) { edges { node { type occurredAt } } pageInfo { endCursor hasNextPage } }
}`;
const USERS = `query ($search: String, $first: Int! = 20, $after: String) {
  users(search: $search, first: $first, after: $after) { edges { node { id username email } } pageInfo { endCursor hasNextPage } }
}`;

type Data = Record<string, unknown>;
interface Connection {
  pageInfo: { endCursor: string | null };
}

/** Upkeep, in seconds. Changes the database, so it comes last. */
export async function upkeepOf(
  databaseUrl: string,
  program: { command: string; env: Readonly<Record<string, string>> },
): Promise<Record<string, number>> {
  const seconds: Record<string, number> = {};
  const timed = async (name: string, work: () => Promise<unknown>) => {
    const startedAt = performance.now();
    await work();
    seconds[name] = Math.round((performance.now() - startedAt) / 10) / 100;
    console.error(`${name}: ${seconds[name]} s`);
  };
  const sql = (name: string, statement: string) => timed(name, () => query(databaseUrl, statement));
  const account = (words: string[], env: Record<string, string> = {}) =>
    run(program.command, ["dist/bin/account.js", ...words], { ...program.env, ...env });

  const [{ partition, rows } = { partition: "", rows: 0 }] = await query<{ partition: string; rows: number }>(
    databaseUrl,
    `select 'accounts.' || relname as partition, reltuples::float8 as rows from pg_class
     where relname ~ '^account_events_[0-9_]+$' and relkind = 'r' order by reltuples desc, relname limit 1`,
  );
  await sql(`copy ${rows} events out, as pg_dump does`, `copy ${partition} to '/dev/null'`);
  await sql("copy all sessions out, as pg_dump does", "copy accounts.sessions to '/dev/null'");
  await sql("copy all accounts out, as pg_dump does", "copy accounts.users to '/dev/null'");
  await sql(
    "create index concurrently on users",
    "create index concurrently trial on accounts.users (updated_at)",
  );
  await query(databaseUrl, "drop index accounts.trial");
  await sql(
    "create index concurrently on sessions",
    "create index concurrently trial on accounts.sessions (last_used_at)",
  );
  await query(databaseUrl, "drop index accounts.trial");
  await sql("read password hashes of all accounts, as each start does under HIDE_ACCOUNT_EXISTENCE", SAMPLES);
  await timed("account -- clean-up with the expired sessions of a day", () => account(["clean-up"]));
  await timed("account -- clean-up with nothing expired", () => account(["clean-up"]));
  await sql("vacuum of sessions after that", "vacuum accounts.sessions");
  await timed("account -- clean-up that drops some months of events", () =>
    account(["clean-up"], { AUDIT_RETENTION_DAYS: "300" }),
  );
  await timed("account -- verify", () => account(["verify"]));
  return seconds;
}

const SAMPLES = `select min(password_hash collate "C") as hash from accounts.users
  group by split_part(password_hash, '$', 2), split_part(password_hash, '$', 3),
    case when password_hash like '$argon2%' then split_part(password_hash, '$', 4) end`;

async function run(command: string, args: string[], env: Readonly<Record<string, string>>): Promise<void> {
  const child = spawn(command, args, {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) console.error(`${args.join(" ")} ended with ${code}.`);
}

async function idOf(databaseUrl: string, number: number): Promise<string> {
  const [row] = await query<{ id: string }>(
    databaseUrl,
    "select id from accounts.users where username_key = $1",
    [person(number).username],
  );
  return row!.id;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]! * 100) / 100;
}

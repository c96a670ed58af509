// npm run bench:scale: fills a database as far as the disk takes it, and measures what that costs in bytes and in time. Writes that to
// bench/scale-results.json, beside what was measured with other numbers of accounts, and the tables of docs/scale.md.
import { existsSync } from "node:fs";
import { readFile, statfs, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { parseArgs } from "node:util";

import { MAIL_JOBS } from "../../../src/mail/queue.ts";
import { accountServer } from "../contenders/account-server.ts";
import { query, startPostgres } from "../postgres.ts";
import { SmtpSink } from "../smtp-sink.ts";
import { Running, start } from "../stage.ts";
import { withScaleTables, type ScaleResult, type SpeedResults } from "./arithmetic.ts";
import { fill } from "./filling.ts";
import { bytesOf, timesOf, upkeepOf } from "./measuring.ts";

const RESULTS = new URL("../../scale-results.json", import.meta.url);
const SPEED = new URL("../../results.json", import.meta.url);
const PAGE = new URL("../../../docs/scale.md", import.meta.url);
/** A little more than was ever measured, with indexes, what sorting them takes, and the log. */
const BYTES = { accounts: 900, sessions: 500, events: 450, log: 6e9 };

const SETTINGS = {
  shared_buffers: "4GB",
  effective_cache_size: "12GB",
  max_wal_size: "4GB",
  shared_preload_libraries: "pg_stat_statements",
  "pg_stat_statements.track_planning": "on",
  autovacuum: "off", // it would be measured along with what is asked
};
/** What PostgreSQL need not do while nothing is lost by a crash. */
const FILLING = { fsync: "off", full_page_writes: "off", wal_level: "minimal", max_wal_senders: "0" };
const SERVING = { fsync: "on", full_page_writes: "on", wal_level: "replica", max_wal_senders: "10" };

const { values } = parseArgs({
  options: {
    accounts: { type: "string", default: "1000000" },
    sessions: { type: "string", default: "3000000" },
    events: { type: "string", default: "10000000" },
  },
});
const size = {
  accounts: Number(values.accounts),
  sessions: Number(values.sessions),
  events: Number(values.events),
};
const { bavail, bsize } = await statfs(tmpdir());
const needed =
  size.accounts * BYTES.accounts + size.sessions * BYTES.sessions + size.events * BYTES.events + BYTES.log;
if (bavail * bsize < needed)
  throw new Error(
    `${tmpdir()} has ${Math.round((bavail * bsize) / 1e9)} GB free, and this may take ${Math.round(needed / 1e9)} GB. ` +
      `Set TMPDIR to a larger disk, or ask for less with --accounts, --sessions and --events.`,
  );

const startedAt = performance.now();
const note = (what: string) =>
  console.error(`${Math.round((performance.now() - startedAt) / 1000)} s  ${what}`);
const stack = new AsyncDisposableStack();
try {
  const postgres = await startPostgres({ ...SETTINGS, ...FILLING });
  stack.defer(() => postgres.stop());
  const sink = await SmtpSink.start();
  stack.defer(() => sink.stop());
  const database = "scale";
  await (await start(accountServer, await postgres.createDatabase(database), sink)).stop();
  const databaseUrl = () => postgres.urlOf(database);
  await fill(databaseUrl(), size, note);
  const fillSeconds = Math.round((performance.now() - startedAt) / 1000);
  note(`filled: ${JSON.stringify(await bytesOf(databaseUrl()))}`);
  await postgres.restart(SERVING);
  await query(databaseUrl(), "create extension if not exists pg_stat_statements");
  const server = await start(accountServer, databaseUrl(), sink);
  stack.defer(() => server.stop());
  const times = await timesOf(new Running(accountServer, server, databaseUrl(), size.accounts));
  console.error(JSON.stringify(times));
  note("asked");
  await fillOthers(databaseUrl());
  const bytes = await bytesOf(databaseUrl());
  const [total] = await query<{ bytes: number }>(
    databaseUrl(),
    "select pg_database_size(current_database())::float8 as bytes",
  );
  console.error(JSON.stringify(bytes));
  const startMs = Math.round(server.readyAfterMs);
  await server.stop();
  const { command, env } = accountServer.program({
    databaseUrl: databaseUrl(),
    smtpPort: sink.port,
    port: 0,
    workers: 1,
  });
  const upkeep = await upkeepOf(databaseUrl(), { command, env });
  note("done");

  const [cpu] = cpus();
  const result: ScaleResult = {
    ...size,
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cpu: cpu?.model.trim() ?? "unknown",
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 1e9),
    },
    databaseGb: Math.round(total!.bytes / 1e7) / 100,
    fillSeconds,
    startMs,
    bytes,
    times,
    upkeepSeconds: upkeep,
  };
  const others = existsSync(RESULTS) ? (JSON.parse(await readFile(RESULTS, "utf8")) as ScaleResult[]) : [];
  const results = [...others.filter(({ accounts }) => accounts !== size.accounts), result].sort(
    (a, b) => a.accounts - b.accounts,
  );
  await writeFile(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
  const speed = JSON.parse(await readFile(SPEED, "utf8")) as SpeedResults;
  await writeFile(PAGE, withScaleTables(await readFile(PAGE, "utf8"), results, speed));
  console.log(`${result.databaseGb} GB`);
  console.table(
    Object.fromEntries(
      Object.entries(bytes).map(([table, { rows, bytesPerRow, heap }]) => [
        table,
        { rows, bytesPerRow, heap },
      ]),
    ),
  );
  console.table(times);
  console.table(upkeep);
} finally {
  await stack.disposeAsync();
}

/** Rows of the mail queue, as many times as they were counted from a registration, and counts of the rate limits. */
async function fillOthers(url: string): Promise<void> {
  await query(
    url,
    `insert into accounts.rate_limits (key, count, blocked_until, resets_at)
     select sha256(convert_to('limit ' || n, 'UTF8')), 1, '-infinity', now() + interval '1 hour' from generate_series(1, 100000) as n`,
  );
  const [{ table, columns } = { table: "", columns: [] }] = await query<{ table: string; columns: string[] }>(
    url,
    `select attrelid::regclass::text as "table", array_agg(quote_ident(attname)::text) as columns from pg_attribute
     where attrelid = (select tableoid from ${MAIL_JOBS.replace("*", "*, tableoid")} where state = 'completed' limit 1)
       and attnum > 0 and not attisdropped and attgenerated = '' group by 1`,
  );
  await query(
    url,
    `insert into ${table} (${columns.join(", ")})
     select ${columns.map((column) => (column === "id" ? "gen_random_uuid()" : column)).join(", ")}
     from (select * from ${table} where state = 'completed' limit 1) as one, generate_series(1, 100000)`,
  );
  await query(url, "analyze");
}

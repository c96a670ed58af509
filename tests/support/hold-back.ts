// Makes requests meet: what runs one after the other by chance would hold nothing.
import pg from "pg";
import { expect } from "vitest";

import type { Answer } from "./graphql.ts";
import type { TestServer } from "./server.ts";

type Beginnings<Results> = { [Index in keyof Results]: () => Promise<Results[Index]> };

type Table = "users" | "sessions" | "account_events";

/**
 * Begins what is given, one after the other, while nobody can write the table, waiting each time for one connection more to
 * be held up; then lets all go at once.
 */
export function meetAt<Results extends unknown[]>(
  server: TestServer,
  table: Table,
  ...begin: Beginnings<Results>
): Promise<Results> {
  return crowdsMeetAt<Results>(server, table, 1, ...begin);
}

/** As meetAt, for crowds of requests, which hashing would keep apart: each holds up so many connections more. */
export function crowdsMeetAt<Results extends unknown[]>(
  server: TestServer,
  table: Table,
  connections: number,
  ...begin: Beginnings<Results>
): Promise<Results> {
  return holdBack<Results>(server, `lock table accounts.${table} in exclusive mode`, connections, begin);
}

/** As meetAt, for what the statement locks, or changes. */
export function whileHeld<Results extends unknown[]>(
  server: TestServer,
  statement: string,
  ...begin: Beginnings<Results>
): Promise<Results> {
  return holdBack<Results>(server, statement, 1, begin);
}

async function holdBack<Results extends unknown[]>(
  server: TestServer,
  statement: string,
  connectionsEach: number,
  begin: Beginnings<Results>,
): Promise<Results> {
  const gate = new pg.Client({ connectionString: server.databaseUrl });
  await gate.connect();
  // Over another connection: within its transaction, this one would see the same answer for ever.
  const heldUp = async () => {
    const sql =
      "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    return (await server.query(sql)).length;
  };
  try {
    await gate.query("begin");
    await gate.query(statement);
    const begun: Promise<unknown>[] = [];
    for (const each of begin) {
      begun.push(each());
      const expected = connectionsEach * begun.length;
      await expect.poll(heldUp).toBeGreaterThanOrEqual(expected);
    }
    await gate.query("commit");
    return (await Promise.all(begun)) as Results;
  } finally {
    await gate.end();
  }
}

/** How often each outcome occurs; no error is "done". */
export function tally(answers: readonly Answer<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { errors } of answers) {
    const outcome = errors[0]?.extensions.code ?? "done";
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

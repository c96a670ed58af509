// One PostgreSQL for the whole run, set up as for production, with a database for each server and number of accounts.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import pg from "pg";

import { startEmbeddedPostgres } from "../../src/embedded-postgres/launcher.ts";

const SETTINGS = {
  shared_buffers: "2GB",
  effective_cache_size: "8GB",
  max_connections: "300",
  max_wal_size: "8GB",
  random_page_cost: "1.1",
  // When a transaction was committed can be asked, to the microsecond.
  track_commit_timestamp: "on",
};

export type Settings = Readonly<Record<string, string>>;

export interface Postgres {
  /** A new, empty database. */
  createDatabase(name: string): Promise<string>;
  /** Starts again with nothing in its memory, and with these settings. The URLs of the databases change. */
  restart(settings: Settings): Promise<void>;
  urlOf(database: string): string;
  stop(): Promise<void>;
}

/** @param settings beside those that every run has */
export async function startPostgres(settings: Settings = {}): Promise<Postgres> {
  const dataDir = await mkdtemp(join(tmpdir(), "account-server-bench-"));
  await chmod(dataDir, 0o755); // as root, PostgreSQL runs as another user
  const options = {
    dataDir,
    onUnexpectedExit: (message: string) => {
      throw new Error(message);
    },
  };
  const first = await startEmbeddedPostgres(options);
  await configure(first.databaseUrl, { ...SETTINGS, ...settings });
  await first.stop();
  let postgres = await startEmbeddedPostgres(options);
  const urlOf = (database: string) => {
    const url = new URL(postgres.databaseUrl);
    url.pathname = `/${database}`;
    return url.href;
  };
  return {
    urlOf,
    async createDatabase(name) {
      await query(postgres.databaseUrl, `create database ${name}`);
      return urlOf(name);
    },
    async restart(changed) {
      await configure(postgres.databaseUrl, changed);
      await postgres.stop();
      postgres = await startEmbeddedPostgres(options);
    },
    async stop() {
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
      if (postgres.dataLocation !== join(dataDir, "postgres"))
        await rm(postgres.dataLocation, { recursive: true, force: true });
    },
  };
}

async function configure(url: string, settings: Settings): Promise<void> {
  for (const [name, value] of Object.entries(settings))
    await query(url, `alter system set ${name} = '${value}'`);
}

/** Runs one statement on a connection of its own. */
export async function query<Row = Record<string, unknown>>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return connected(url, async (client) => (await client.query(sql, values)).rows as Row[]);
}

export async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

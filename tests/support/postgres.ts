// One real PostgreSQL for the whole run, in a folder of its own; every server under test gets a copy of one
// migrated database.
import { chmod, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import pg from "pg";
import type { TestProject } from "vitest/node";

import { migrateDatabase } from "../../src/app/open-database.ts";
import { startEmbeddedPostgres } from "../../src/embedded-postgres/launcher.ts";
import { connectOrm } from "../../src/database/orm.ts";

declare module "vitest" {
  interface ProvidedContext {
    postgresUrl: string;
    postgresLog: string;
  }
}

const TEMPLATE = "template_migrated";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres();
  // Data of tests need not survive a power cut, and a copy of the template shall cost little.
  for (const setting of ["fsync = off", "full_page_writes = off", "file_copy_method = clone"])
    await query(postgres.databaseUrl, `alter system set ${setting}`);
  await query(postgres.databaseUrl, "select pg_reload_conf()");
  await query(postgres.databaseUrl, `create database ${TEMPLATE}`);
  const templateUrl = databaseAt(postgres.databaseUrl, TEMPLATE);
  const orm = await connectOrm(templateUrl, "long work");
  await migrateDatabase(orm, templateUrl);
  await orm.close();
  // Inherited by the processes that tests start: each reads and compiles the same modules, half of what its start costs.
  process.env["NODE_COMPILE_CACHE"] = join(postgres.folder, "compile-cache");
  project.provide("postgresUrl", postgres.databaseUrl);
  project.provide("postgresLog", postgres.logPath);
  return async () => {
    await postgres.stop();
    await postgres.remove();
  };
}

/** A PostgreSQL in a folder of its own, for whoever starts it to stop and remove. */
export async function startPostgres() {
  const dataDir = await mkdtemp(join(await roomyFolder(), "account-server-tests-"));
  await chmod(dataDir, 0o755); // as root, PostgreSQL runs as another user
  const postgres = await startEmbeddedPostgres({
    dataDir,
    onUnexpectedExit: (message) => {
      throw new Error(message);
    },
  });
  // A process that ends may still write to it (the compile cache).
  const remove = () => rm(dataDir, { recursive: true, force: true, maxRetries: 10 });
  return { ...postgres, folder: dataDir, logPath: join(dataDir, "postgres.log"), remove };
}

export type TestPostgres = Awaited<ReturnType<typeof startPostgres>>;

/** Memory, where Linux has room in it for a few databases: they are made there in a fraction of the time. */
async function roomyFolder(): Promise<string> {
  const { bavail, bsize } = await statfs("/dev/shm").catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize > 2 * 1024 ** 3 ? "/dev/shm" : tmpdir();
}

/** A new database with this version's tables, or an empty one. */
export async function createDatabase(postgresUrl: string, { empty = false } = {}): Promise<string> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const template = empty ? "template1" : TEMPLATE;
  await query(postgresUrl, `create database ${name} template ${template} strategy file_copy`);
  return databaseAt(postgresUrl, name);
}

export async function dropDatabase(postgresUrl: string, databaseUrl: string): Promise<void> {
  await query(postgresUrl, `drop database ${new URL(databaseUrl).pathname.slice(1)} with (force)`);
}

/** Runs one statement on a connection of its own. */
export async function query<Row = Record<string, unknown>>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined); // a statement that it cuts short is rejected, too
  await client.connect();
  try {
    const { rows } = await client.query(sql, values);
    return rows as Row[];
  } finally {
    await client.end();
  }
}

/** The URL of another database of the same PostgreSQL. */
export function databaseAt(postgresUrl: string, name: string): string {
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return url.href;
}

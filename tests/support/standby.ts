// A hot standby of a PostgreSQL, made with the embedded binaries alone, which have no pg_basebackup: so every machine can do it.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { copyFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import pg from "pg";
import { expect } from "vitest";

import { startEmbeddedPostgres, type EmbeddedPostgres } from "../../src/embedded-postgres/launcher.ts";
import { databaseAt, query, type TestPostgres } from "./postgres.ts";

export class Standby {
  readonly #folder: string;
  readonly #running: EmbeddedPostgres;

  private constructor(folder: string, running: EmbeddedPostgres) {
    this.#folder = folder;
    this.#running = running;
  }

  /** Copies the primary while it runs, and follows it, or another standby, from there. */
  static async of(primary: TestPostgres, upstream?: Standby): Promise<Standby> {
    const folder = mkdtempSync(join(dirname(primary.folder), "account-server-tests-"));
    chmodSync(folder, 0o755); // as root, PostgreSQL runs as another user
    const data = join(folder, "postgres");
    const { uid, gid } = statSync(primary.dataLocation);
    const write = (name: string, text: string) => {
      writeFileSync(join(data, name), text);
      chownSync(join(data, name), uid, gid);
    };

    const client = new pg.Client({ connectionString: primary.databaseUrl });
    await client.connect();
    await client.query("select pg_backup_start('standby', true)");
    execFileSync("cp", ["-a", primary.dataLocation, data]);
    const { rows } = await client.query<{ labelfile: string }>("select labelfile from pg_backup_stop(false)");
    await client.end();

    write("backup_label", rows[0]!.labelfile);
    write("standby.signal", "");
    await rm(join(data, "postmaster.pid"));
    await copyFile(join(primary.folder, "database-password"), join(folder, "database-password"));
    const { port, username, password } = new URL(upstream?.url(primary.databaseUrl) ?? primary.databaseUrl);
    appendFileSync(
      join(data, "postgresql.auto.conf"),
      `primary_conninfo = 'host=127.0.0.1 port=${port} user=${username} password=${password}'\n`,
    );
    return new Standby(folder, await start(folder));
  }

  /** The URL of the same database as that of a URL of the primary. */
  url(databaseUrl: string): string {
    return databaseAt(this.#running.databaseUrl, new URL(databaseUrl).pathname.slice(1));
  }

  /** Runs a statement on it. */
  query<Row = Record<string, unknown>>(sql: string): Promise<Row[]> {
    return query<Row>(this.#running.databaseUrl, sql);
  }

  /** Resolves once it has all that a primary has now. */
  async reaches(databaseUrl: string): Promise<void> {
    const [now] = await query<{ lsn: string }>(databaseUrl, "select pg_current_wal_flush_lsn() as lsn");
    const isThere = `select pg_last_wal_replay_lsn() >= '${now!.lsn}' as there`;
    await expect.poll(() => this.query(isThere)).toEqual([{ there: true }]);
  }

  /** Ends it with its connections, in the middle of what they do. */
  crash(): void {
    const pid = Number.parseInt(readFileSync(join(this.#running.dataLocation, "postmaster.pid"), "utf8"), 10);
    process.kill(pid, "SIGQUIT");
  }

  /** Makes it take writes. */
  async promote(): Promise<void> {
    await this.query("select pg_promote()");
  }

  async stop(): Promise<void> {
    await this.#running.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const start = (folder: string) =>
  startEmbeddedPostgres({ dataDir: folder, onUnexpectedExit: () => undefined });
